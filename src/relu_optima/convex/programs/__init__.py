"""Plug-ins of stage ``convex``: one file, one program that a run can solve.

A program is a module with

* ``class Config(ConvexConfig)``: its parameters beside the shared ones;
* ``run(task, config) -> Outcome``: solve it on the task's data set and certify the answer;
* ``verify(record, upstream) -> list of str``: what is wrong with a stored answer, found by code
  that does not share the solver's shortcuts;
* ``COLUMNS``: result columns of its own, beside those of ``convex.columns``.

Planning imports these modules, so they import numerical libraries inside functions.
"""
