// Draws panels into one WebGL2 canvas. Textures stay on the card for as long as their image or map is shown.

const UNIFORMS = (
  "pixels level heat colours origin extent size centre scale box top isSigned raised lowered range inverted opacity threshold"
).split(" ");

class Renderer {
  // Throws where the browser has no WebGL2. The canvas keeps its picture, so that it can be saved and copied.
  constructor(canvas, restored) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: false, depth: false, preserveDrawingBuffer: true });
    if (!this.gl) throw new Error("This browser has no WebGL2.");
    this.prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      restored();
    });
  }

  prepare() {
    const gl = this.gl, program = gl.createProgram();
    this.filters = Boolean(gl.getExtension("OES_texture_float_linear"));
    const fragment = this.filters ? FRAGMENT_SHADER.replace("\n", "\n#define FILTERED\n") : FRAGMENT_SHADER;
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX_SHADER], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error("This browser's WebGL2 cannot draw the images.");
    }
    gl.useProgram(program);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    gl.uniform1i(this.at.pixels, 0);
    gl.uniform1i(this.at.heat, 1);
    gl.uniform1i(this.at.colours, 2);
    gl.uniform3fv(this.at.raised, CONSTANTS.raised);
    gl.uniform3fv(this.at.lowered, CONSTANTS.lowered);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.textures = new Map();
    this.layout = null;
  }

  // The texture of `key`, made by `fill` where it is missing, on the unit.
  bind(unit, key, filter, fill) {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0 + unit);
    let texture = this.textures.get(key);
    if (texture) {
      gl.bindTexture(gl.TEXTURE_2D, texture);
      return;
    }
    texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter === gl.NEAREST || !this.filters ? gl.NEAREST : gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    fill(gl);
    this.textures.set(key, texture);
  }

  bindImage(digest, levels) {
    this.bind(0, digest, this.filters ? this.gl.LINEAR_MIPMAP_NEAREST : this.gl.NEAREST_MIPMAP_NEAREST, (gl) => {
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAX_LEVEL, levels.length - 1);
      levels.forEach(({ values, columns, rows }, level) => gl.texImage2D(
        gl.TEXTURE_2D, level, gl.R32F, columns, rows, 0, gl.RED, gl.FLOAT, Float32Array.from(values, (value) => value / 65535),
      ));
    });
  }

  bindMap(map) {
    this.bind(1, map.key, this.filters ? this.gl.LINEAR : this.gl.NEAREST, (gl) => gl.texImage2D(
      gl.TEXTURE_2D, 0, gl.R32F, map.columns, map.rows, 0, gl.RED, gl.FLOAT, map.raw,
    ));
  }

  bindColours(name) {
    this.bind(2, `colours ${name}`, this.gl.NEAREST, (gl) => gl.texImage2D(
      gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, bytesOf(CONSTANTS.colormaps[name].table),
    ));
  }

  // Forget the textures of images and maps that are no longer shown.
  keep(keys) {
    for (const [key, texture] of this.textures) {
      if (!keys.has(key) && !key.startsWith("colours ")) {
        this.gl.deleteTexture(texture);
        this.textures.delete(key);
      }
    }
  }

  // views: what to draw, each {image, levels, map or null, place: {left, top, width, height}, from, to}, in pixels of the
  // canvas; from and to are shares of the place's width between which it is drawn.
  // A view that would look as it does already is left as it is: opacity does not change an image without a map.
  draw(views, look, view) {
    const gl = this.gl, size = [this.canvas.width, this.canvas.height];
    const layout = JSON.stringify([size, views.map(({ place, from, to }) => [place, from, to])]);
    const keys = views.map(({ image, map }) => JSON.stringify([
      image.digest, look.window, look.invert, view, map && [map.key, map.top, look.opacity, look.threshold, look.cmap],
    ]));
    if (layout !== this.layout) {
      gl.disable(gl.SCISSOR_TEST);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.enable(gl.SCISSOR_TEST);
      this.drawn = [];
    }
    this.bindColours(look.cmap);
    gl.uniform2fv(this.at.range, look.window);
    gl.uniform1i(this.at.inverted, look.invert);
    gl.uniform1f(this.at.opacity, look.opacity);
    gl.uniform1f(this.at.threshold, look.threshold);
    views.forEach((each, index) => keys[index] !== this.drawn[index] && this.drawOne(each, view));
    this.layout = layout;
    this.drawn = keys;
  }

  drawOne({ image, levels, map, place, from, to }, view) {
    const gl = this.gl, bottom = this.canvas.height - place.top - place.height, scale = scaleOf(view, place, image);
    const coarser = Math.round(Math.log2(image.columns / image.width / scale));
    gl.viewport(place.left, bottom, place.width, place.height);
    gl.scissor(place.left + Math.round(from * place.width), bottom, Math.round((to - from) * place.width), place.height);
    this.bindImage(image.digest, levels);
    gl.uniform1i(this.at.level, clamp(coarser, 0, levels.length - 1));
    gl.uniform2f(this.at.origin, place.left, bottom);
    gl.uniform2f(this.at.extent, place.width, place.height);
    gl.uniform2f(this.at.size, image.width, image.height);
    gl.uniform2f(this.at.centre, view.x * image.width, view.y * image.height);
    gl.uniform1f(this.at.scale, scale);
    gl.uniform1f(this.at.top, map ? map.top : 0);
    if (map) {
      this.bindMap(map);
      gl.uniform4fv(this.at.box, map.box);
      gl.uniform1i(this.at.isSigned, map.signed);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
