"""The parts of the HTML report: plots as inline SVG, tables, one style sheet and one small script.

Plots are laid out in shares of their width, so that one drawing serves a phone, a screen and paper without scaling its
text. Every text that comes from a measurement goes through :func:`html.escape` or the template's autoescaping.
"""
