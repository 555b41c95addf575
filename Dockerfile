# The dashboard on a processor: `docker build -t xray-explained . && docker run -p 8501:8501 xray-explained`.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1

WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt \
    && useradd --create-home --uid 1000 viewer

# Weights and cards, samples and recorded runs come along; nothing is downloaded when it starts.
COPY --chown=1000:1000 . .
USER 1000

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4).read()"]
# The server listens on every address, which makes it a public copy: see COVID_XRAY_PUBLIC in docs/hosting.md.
CMD ["streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
