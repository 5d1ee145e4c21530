"""The Claude agent (A2): planner, editor, inspector and reflector on the Messages API, each with a context of its own."""
