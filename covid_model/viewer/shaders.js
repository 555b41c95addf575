// The picture is made in one pass for each panel: grey value of the image, heatmap over it. All positions are in pixels of
// the full-size image. The arithmetic, with its rounding to 8 bits, is that of covid_model/explain/overlay.py, so that
// screen and exported PNG agree.

const VERTEX_SHADER = `#version 300 es
void main() {
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

const FRAGMENT_SHADER = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;

uniform sampler2D pixels;   // values of 16 bits in [0, 1], with smaller copies as levels
uniform int level;
uniform sampler2D heat;     // raw values of the map at its own size
uniform sampler2D colours;  // 256 colours
uniform vec2 origin;        // lower left corner of the panel in the canvas
uniform vec2 extent;        // of the panel in screen pixels
uniform vec2 size;          // of the image
uniform vec2 centre;        // place of the image in the middle of the panel
uniform float scale;        // screen pixels for one image pixel
uniform vec4 box;           // left, top, width and height of what the model saw
uniform float top;          // the map's value at the end of the colours; 0: no map
uniform bool isSigned;
uniform vec3 raised, lowered;
uniform vec2 range;         // image values shown as black and as white
uniform bool inverted;
uniform float opacity, threshold;
out vec4 colour;

// Interpolated by hand where the card cannot filter such values; FILTERED: it can, in less time.
float sampled(sampler2D values, vec2 share, int at) {
#ifdef FILTERED
  return textureLod(values, share, float(at)).r;
#else
  ivec2 last = textureSize(values, at) - 1;
  vec2 place = share * vec2(last + 1) - 0.5;
  ivec2 low = ivec2(floor(place));
  vec2 part = place - vec2(low);
  ivec2 a = clamp(low, ivec2(0), last), b = clamp(low + 1, ivec2(0), last);
  float upper = mix(texelFetch(values, a, at).r, texelFetch(values, ivec2(b.x, a.y), at).r, part.x);
  float lower = mix(texelFetch(values, ivec2(a.x, b.y), at).r, texelFetch(values, b, at).r, part.x);
  return mix(upper, lower, part.y);
#endif
}

float heatAt(vec2 place) {
  vec2 inside = floor(place) - box.xy + 0.5;
  if (any(lessThan(inside, vec2(0.0))) || any(greaterThan(inside, box.zw))) return 0.0;
  return sampled(heat, (place - box.xy) / box.zw, 0);
}

void main() {
  vec2 screen = gl_FragCoord.xy - origin;
  screen.y = extent.y - screen.y;
  vec2 place = centre + (screen - extent * 0.5) / scale;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThan(place, size))) {
    colour = vec4(0.0, 0.0, 0.0, 1.0);
    return;
  }
  float value = clamp((sampled(pixels, place / size, level) - range.x) / max(range.y - range.x, 1e-6), 0.0, 1.0);
  vec3 shown = vec3(floor((inverted ? 1.0 - value : value) * 255.0 + 0.5));
  if (top > 0.0) {
    float scaled = clamp(heatAt(place) / top, -1.0, 1.0);
    float strength = isSigned ? abs(scaled) : max(scaled, 0.0);
    if (strength >= threshold) {
      float alpha = floor(opacity * strength * 255.0 + 0.5) / 255.0;
      vec3 over = scaled > 0.0 ? raised : lowered;
      if (!isSigned) over = texelFetch(colours, ivec2(int(floor(strength * 255.0 + 0.5)), 0), 0).rgb * 255.0;
      shown = floor(shown * (1.0 - alpha) + over * alpha + 0.5);
    }
  }
  colour = vec4(shown / 255.0, 1.0);
}`;
