# Everything is named relative to this folder, so that the checkout may lie under any path.
PYTHON ?= python3
TORCH ?=
PARALLEL ?= -n auto --maxprocesses 4
IN := .venv/bin/python

.PHONY: episode test check test-all readme clean bench bench-cut bench-farm bench-sound bench-writer bench-board bench-toon bench-mouths bench-enlarge judges toon

episode: .venv/ready ## the default episode
	$(IN) -m flows episode --premise templates/premises/joe_and_the_don.yaml --writer offline

test: check ## every check and every quick test
	$(IN) -m pytest $(PARALLEL)

check: .venv/ready-dev ## format, lint, types
	$(IN) -m ruff format --check .
	$(IN) -m ruff check .
	$(IN) -m mypy

test-all: check ## the slow tests and, with a card, the GPU's as well
	$(IN) -m pytest $(PARALLEL) -m "slow or not slow"

bench: .venv/ready-dev ## speed beside diffusers, at width 64 and at the real width (13 GB), and memory beside its plans
	PYTHONPATH=. $(IN) tests/benchmarks/bench_unet.py
	PYTHONPATH=. $(IN) tests/benchmarks/bench_unet.py --width 320
	PYTHONPATH=. $(IN) tests/benchmarks/bench_clip.py
	for rung in 0 2 3; do PYTHONPATH=. $(IN) tests/benchmarks/peak.py --rung $$rung || exit; done
	PYTHONPATH=. $(IN) tests/benchmarks/peak.py --dtype float32
	PYTHONPATH=. $(IN) tests/benchmarks/peak.py --rung 4 --streamed .venv/streamed; rm -f .venv/streamed

bench-sound: .venv/ready-dev ## word error rates, levels and CPU seconds of the sound; `coldopen pull whisper` first
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(IN) tests/benchmarks/bench_sound.py $(PARTS)

bench-cut: .venv/ready-dev ## the cut beside raw ffmpeg and moviepy's own pattern; memory and processes of long episodes
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(IN) tests/benchmarks/bench_cut.py $(PARTS)

bench-farm: .venv/ready-dev ## a farm's overhead, scaling and losses under kill -9; PARTS="--parts overhead,scaling"
	OMP_NUM_THREADS=1 PYTHONPATH=. $(IN) tests/benchmarks/bench_farm.py $(PARTS)

bench-writer: .venv/ready ## what a hundred offline episodes of four shows measure, and first ones of ninety loglines
	PYTHONPATH=. $(IN) tests/benchmarks/bench_writer.py $(SHOWS)
	PYTHONPATH=. $(IN) tests/benchmarks/bench_loglines.py

bench-board: .venv/ready-dev ## the board's first paint, edits, events, page sizes and memory, beside their limits
	PYTHONPATH=. $(IN) tests/benchmarks/bench_board.py $(PARTS)

bench-toon: .venv/ready ## what TOON's first takes show of 500 held-out prompts; PARTS="--minutes 20" stops and goes on
	PYTHONPATH=. $(IN) tests/benchmarks/bench_toon.py $(PARTS)

bench-mouths: .venv/ready ## how well mouths keep to the voices: the drawn world's, or MODEL="--model FOLDER"
	PYTHONPATH=. $(IN) tests/benchmarks/toon_mouths.py $(MODEL)

bench-enlarge: .venv/ready ## ways to enlarge drawn films: flicker, PSNR, seconds, and sheets to look at; PARTS="--out FOLDER"
	OMP_NUM_THREADS=1 PYTHONPATH=. $(IN) tests/benchmarks/bench_enlarge.py $(PARTS)

judges: .venv/ready ## train both judges again from nothing, the one that ships and the one that scores
	PYTHONPATH=. $(IN) -m t2v.training.judge_recipe
	PYTHONPATH=. $(IN) tests/benchmarks/toon_judge.py

toon: .venv/ready ## train TOON again from nothing, hours; stopped, it goes on; then t2v/weights/toon.safetensors is another
	for stage in autoencoder images clips decoder export; do PYTHONPATH=. $(IN) -m t2v.training.toon_recipe $$stage || exit; done
	for stage in draw-stills stills draw-clips clips; do \
		PYTHONPATH=. $(IN) -m t2v.training.toon_levels $$stage --begin-with training/toon.safetensors || exit; done
	PYTHONPATH=. $(IN) -m t2v.training.toon_levels export --begin-with training/toon.safetensors \
		--output t2v/weights/toon.safetensors

readme: episode ## docs/episode.gif, out of the default episode; START= and LENGTH= choose the piece
	$(IN) docs/gif.py output/joe-and-the-don/s01e01/episode.mp4 docs/episode.gif --start "$(or $(START),34.2)" --length "$(or $(LENGTH),8)"

clean: ## what make has made; output/ and premises/ stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/ready: pyproject.toml flows/install.py
	$(PYTHON) flows/install.py --torch "$(TORCH)"
	$(IN) -m flows setup
	touch .venv/ready

.venv/ready-dev: pyproject.toml flows/install.py
	$(PYTHON) flows/install.py --dev --torch "$(TORCH)"
	$(IN) -m flows setup
	touch .venv/ready .venv/ready-dev
