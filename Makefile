# Every target is one line here; the work is in .ci/setup.py, which brings what the target needs.
SETUP = @sh .ci/python .ci/setup.py

.DEFAULT_GOAL := help
.PHONY: help demo test check bench prove lock clean

help: ## Show the targets.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: ## Run a server with two demo schools, and print its addresses and tokens.
	$(SETUP) demo $(ARGS)

test: ## Check style and types, then run the whole test suite (pass pytest arguments as ARGS=…).
	$(SETUP) test $(ARGS)

check: ## Check style and types only.
	$(SETUP) check

bench: ## Measure fieldgate against two other servers on the same data.
	$(SETUP) bench $(ARGS)

prove: ## Run the long proofs that the test suite leaves out.
	$(SETUP) prove $(ARGS)

lock: ## Make requirements/*.txt again from pyproject.toml (ARGS=--upgrade for newer versions).
	$(SETUP) lock $(ARGS)

clean: ## Remove everything that the targets brought and built.
	$(SETUP) clean
