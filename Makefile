# Everything runs from a virtual environment in .venv, made on first use. Needed: Linux, Python 3.11-3.13, make.

PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check --no-input
# Three files at a time: much of the suite waits, for leases to lapse and processes to start. In the order of their
# folders, so that what waits runs beside what computes.
AT_ONCE := -n 3 --dist loadfile --no-loadscope-reorder
PINS := pyproject.toml deploy/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-system lint bench kill-long ci clean

help: ## список целей
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: .venv/installed ## демонстрация на учебных системах; ONCE=1 — один проход без ожидания
	@exec .venv/bin/gateway demo $(if $(ONCE),--once)

test: .venv/installed-dev ## все тесты; нужны только Python и его пакеты
	@exec $(PYTHON) -m pytest $(AT_ONCE) $(ARGS)

test-system: .venv/installed-dev ## тесты на пакетах Debian: nginx, клиенты SOAP, Redis, PostgreSQL
	@exec .ci/test-system $(ARGS)

lint: .venv/installed-dev ## стиль, типы, границы модулей
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

bench: .venv/installed-dev ## измерения; их числа тестами не проверяются
	@set -e; for name in reports sessions alkona mse notifications; do $(PYTHON) -m tests.bench_$$name; done
	@exec $(PYTHON) -m tests.bench_ca 12 200

kill-long: .venv/installed-dev ## долгая проверка на внезапную смерть процессов
	@exec $(PYTHON) -m tests.kill_long $(ARGS)

ci: ## всё, что проверяет CI
	@exec .ci/run

clean: ## удалить окружение и временные файлы; папка данных .data остаётся
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find gateway workers tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: WHAT := .
.venv/installed: STAMPS := .venv/installed
.venv/installed-dev: WHAT := .[dev]
.venv/installed-dev: STAMPS := .venv/installed .venv/installed-dev

# Two makes at once: the second waits for the lock and finds the work done.
.venv/installed .venv/installed-dev: $(PINS)
	@set -e; exec 9<pyproject.toml; flock 9; \
	if [ '$@' -nt pyproject.toml ] && [ '$@' -nt deploy/constraints.txt ]; then exit 0; fi; \
	if ! $(PYTHON) -c '' 2>/dev/null; then \
	    for name in python3 python3.13 python3.12 python3.11 ''; do \
	        if [ -z "$$name" ]; then \
	            echo 'Нужен Python 3.11-3.13 с модулем venv (в Debian: apt install python3-venv). Python 3.11-3.13 with venv is needed.' >&2; \
	            exit 1; \
	        fi; \
	        "$$name" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	            2>/dev/null && break; \
	    done; \
	    "$$name" -m venv --clear .venv; \
	fi; \
	echo 'Установка пакетов Python в .venv (1-2 минуты)...'; \
	$(PIP) install --use-pep517 -c deploy/constraints.txt -e '$(WHAT)' 9<&-; \
	touch $(STAMPS)
