"""One function per verb, composing the stages. Nothing here prints or exits."""
