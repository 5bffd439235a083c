# The commands of this repository. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help up preflight location deploy smoke doctor down destroy maintenance user secret worker-host backup restore upgrade dev bench test test-static test-unit test-integration test-stack test-drills lint format lock outdated

PYTHON := .venv/bin/python
# Some machines set it, as images do. Each process of a test would then compile Dagster: 3.0 s of CPU instead of 1.1 s.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

up: ## Build and start the deployment, wait until it is healthy, say where the UI is
	@python3 -m operate up

preflight: ## Check engine, Compose, memory, disk, port, networks and data, without changing anything
	@python3 -m operate preflight

location: ## Host a Dagster project: NAME=shop FROM=../shop, then `make up`; REMOVE=1 takes it out again
	@python3 -m operate location $(NAME) $(FROM) $(if $(REMOVE),--remove)

deploy: ## Replace the code of all code locations, or of NAME=shop, without an interruption; BACK=1 takes it back
	@python3 -m operate deploy $(NAME) $(if $(BACK),--back)

smoke: ## Check the running deployment as a user would: PASS or FAIL a line; JOBS="mine" for your own
	@python3 -m operate smoke $(JOBS)

doctor: ## Say how the deployment is, with a remedy for what is not well; JSON=1 for a program
	@python3 -m operate doctor $(if $(JSON),--json)

down: ## Stop the deployment, keep its data
	@python3 -m operate down

destroy: ## Ask, then stop the deployment and remove its data
	@python3 -m operate destroy

maintenance: ## Remove now what each night removes: history older than RETENTION_DAYS, ended containers; DRY_RUN=1 counts
	@python3 -m operate maintenance $(if $(DRY_RUN),--count)

user: ## Make a user of the login, or give one another password: NAME=anna ROLE=viewer, operator or none
	@python3 -m operate user $(NAME) $(ROLE)

secret: ## Keep standard input for a code location, which reads /run/secrets/NAME: LOCATION=shop NAME=api_key < key.txt
	@python3 -m operate secret $(NAME) $(LOCATION)

worker-host: ## Let another host execute runs, or bring it up to date: NAME=h2 TO=ops@h2; REMOVE=1 locks it out
	@python3 -m operate worker-host $(NAME) $(TO) $(if $(REMOVE),--remove)

backup: ## Write all data, settings and passwords to a file in backups/, while everything runs
	@python3 -m operate backup

restore: ## Bring back a backup, FILE=backups/NAME.tar, a moment, AT="2026-11-26 10:31:07", or COPY=latest; IDENTITY=key.txt decrypts; SAFETY=0 keeps nothing of what is here
	@python3 -m operate restore $(FILE) $(if $(AT),--at "$(AT)") $(if $(COPY),--copy "$(COPY)") $(if $(IDENTITY),--identity "$(IDENTITY)") $(if $(YES),--yes) $(if $(filter 0,$(SAFETY)),--no-safety)

upgrade: ## Make this release run with all data, or return to the former one; FROM=../old WAIT=600; BACK=1 after a power cut
	@python3 -m operate upgrade $(FROM) $(if $(WAIT),--wait $(WAIT)) $(if $(BACK),--back)

dev: .venv ## Run the code location without Docker; Ctrl-C ends it
	@$(PYTHON) -m dev $(DEV_OPTIONS)

bench: $(if $(GROWN),.venv) ## Measure runs of the running deployment; JOBS="mine" of your own, OFFICIAL=1 beside the official example's settings, GROWN=1 a copy with a large history
	@$(if $(GROWN),$(PYTHON) -m bench.grown,python3 -m bench $(JOBS) $(if $(OFFICIAL),--official))

# Several files of tests at once: tests/lanes.py says which. Drills wait more, so there are four.
TESTS := scripts/tests.sh $(PYTHON) 3
DRILLS := scripts/tests.sh $(PYTHON) 4

test: test-static ## Run all tests but the drills
	$(TESTS) tests/stack tests/login tests/locations tests/integration tests/unit $(DEMO_TESTS)

test-static: .venv ## Test the text of this repository; needs Compose and no engine
	docker/offline/engine.sh start
	$(PYTHON) -m pytest tests/static

test-unit: .venv ## Test the logic; needs no server
	$(PYTHON) -m pytest tests/unit

test-integration: .venv ## Test against Postgres and a gRPC code server; needs no Docker
	$(PYTHON) -m pytest tests/integration

test-stack: .venv ## Test the whole deployment in Docker, under a project name of its own
	docker/offline/engine.sh start
	$(TESTS) tests/stack tests/login tests/locations

test-drills: .venv ## Test what takes long: faults under load, lost hosts, restores; ONLY="tests/drills/backup", RUNS=100 queues that many runs
	docker/offline/engine.sh start
	$(if $(RUNS),FAULT_RUNS=$(RUNS)) $(DRILLS) $(or $(ONLY),tests/drills $(DEMO_DRILLS))

lint: .venv ## Check style, types, layers, Dockerfiles, shell scripts and YAML
	@scripts/lint.sh

format: .venv ## Format the Python code
	$(PYTHON) -m ruff format . && $(PYTHON) -m ruff check --fix .

outdated: .venv ## Say which pinned images and packages have newer patch versions; let a scheduler run it
	@$(PYTHON) -m scripts.outdated

lock: .venv ## Write every requirements.txt from its requirements.in
	@PATH=.venv/bin:$$PATH scripts/lock.sh

.PHONY: .venv
.venv:
	@scripts/venv.sh

# The demo's verbs, where the demo is.
-include demo/Makefile
