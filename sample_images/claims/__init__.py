"""What the five documents promise of their images, held against what is measured: `python sample_images/claims`.

claim.py      what a claim, a figure and a verdict are       rules.py      figures -> verdicts
documents/    the claims, a file a document                  figures*.py   what claims are measured with
facts.py      questions whose answer is yes or no            table.py      the measured table
lab.py        images built and audited, once                 containers.py containers of them, started for real
builds.py     how long builds take, and with which go.sum    programs.py   one program, built with one flag more or less
security.py   what security promises are measured with       exported.py   the same asked of docker, nm, ldd and go
data.py       data of known vulnerabilities                  render_*.py   the table in each format
command.py    the command
"""
