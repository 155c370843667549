"""What the launcher's form means: values, their checks and the plan they come to. Knows no widgets."""
