"""The month's tides as a table."""

from moonrise import phases

for day, phase in phases():
    print(day, phase)
