# genlab for strangers: docker build -t genlab . && docker run -p 7860:7860 genlab
# The password is in the log; a read-only root needs: docker run --read-only --tmpfs /tmp -v genlab:/home/genlab -p 7860:7860 genlab
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

RUN useradd --create-home --uid 1000 genlab
WORKDIR /app

COPY requirements.txt ./
RUN python -m pip install --disable-pip-version-check -r requirements.txt

COPY app.py ./
COPY genlab genlab
COPY checkpoints checkpoints

USER 1000
RUN python -c "import genlab"

EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/gradio_api/startup-events', timeout=4)"]
CMD ["python", "app.py", "--public", "--host", "0.0.0.0"]
