"""The plan that ``octui plan init`` writes."""

from __future__ import annotations

STARTER = '''\
# A plan of octui: which agents to start, where, and with what.
#   octui plan check FILE     what it would do; nothing is started
#   octui run FILE            do it

name = "look around"
max_parallel = 4                  # how many runs work at a time

[defaults]                        # for every run that does not say otherwise
workspace = "."                   # relative to this file
timeout_s = 900
# model = "provider/model"        # as opencode knows it
# backend = "run"                 # a process of its own that asks nothing; "serve" talks

[defaults.permission]
edit = "deny"
bash = "deny"

# [vars]                          # for prompts: {{ vars.language }}; --var language=Norwegian wins
# language = "English"

# [budget]                        # of all runs together
# max_cost = 5.00                 # US dollars

[[runs]]
name = "look"
matrix = { part = ["tests", "documentation"] }    # a run for each: look-tests, look-documentation
prompt = "Look at the {{ vars.part }} of this project and name the three things most worth mending, in one line each."

[[runs]]
name = "summary"                  # starts when both succeeded, as its prompt quotes them
prompt = """
Put these findings into one order, the most useful first, and say why in a sentence each.
{% for run in runs.look %}
{{ run.vars.part }}:
{{ run.final_text }}
{% endfor %}
"""
'''
