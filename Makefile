# LabQA. `make demo` sets everything up and runs the main job; `make test` passes the tests; `make check` is the one
# definition of done. SERVE=0 ends the demo instead of serving the dashboards.
SHELL := /bin/bash
SERVE ?= 1
RUN := .venv/bin
SOURCES := labqa dashboards reports tests bench notebooks

.DEFAULT_GOAL := help
.PHONY: help ready demo demo-clean test check bench bench-stats calibrate warm validation pictures docs

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

ready:
	@bash bootstrap/environment.sh

demo: ready  ## set up, evaluate the example networks, write the reports, serve the dashboards (SERVE=0: end instead)
	@echo "==> Running the main job on six example data sets (about 3 minutes the first time)"
	@$(RUN)/labqa demo --home ./.labqa-demo $(if $(filter 0 no false,$(SERVE)),--no-serve)

demo-clean:  ## forget the demo's data
	rm -rf ./.labqa-demo

test: ready  ## all tests but the long trials
	@bash bootstrap/test.sh

check: ready  ## format, lint, types, contracts, tests: the definition of done
	$(RUN)/ruff format --check $(SOURCES)
	$(RUN)/ruff check $(SOURCES)
	$(RUN)/mypy
	$(RUN)/lint-imports
	@bash bootstrap/test.sh

bench-stats: ready  ## time the statistics beside what people use (docs/benchmarks.md)
	@for name in robust pairwise precision network monitoring resampling evaluation; do $(RUN)/python -m bench.$$name; done

bench: ready  ## time the main job and the pages on 1,000 laboratories (CARD=national: on 5,000, an hour or so)
	@$(RUN)/python -m bench.main_job $(CARD)

calibrate: ready  ## long trials (hours): tables of coverage and errors, taken up where they stopped, then the long tests
	@export PYTHONPATH=.:tests; for table in coverage selection mixed_model consistency gross occasions; do \
	  case $$table in coverage) trial=coverage_of_networks;; selection|gross) trial=$${table}_trials;; \
	    occasions) trial=occasion_trials;; *) trial=$$table;; esac; \
	  echo "==> docs/$$table.csv"; $(RUN)/python tests/$$trial.py docs/$$table.csv; done
	@$(RUN)/python -m pytest -m long

warm: ready  ## compile the numerical kernels ahead of use
	@$(RUN)/labqa warm

validation: ready  ## write the validation page (docs/validation.md) from the reference tests
	@LABQA_WRITE_VALIDATION=1 $(RUN)/python -m pytest tests/reference

pictures: ready  ## take the pictures of the tour (docs/images) from the demo, while its test walks it
	@LABQA_WRITE_IMAGES=1 $(RUN)/python -m pytest tests/browser/test_tour.py

docs: ready  ## write the data dictionary from the code, and the chapter on parsing from its tables
	@$(RUN)/python -m labqa.core.dictionary docs
	@PYTHONPATH=. $(RUN)/python tests/spec/parsing_tables.py
