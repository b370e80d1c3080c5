# FilterBench with the pinned packages, for hosts without Python 3.11. Not built yet: the
# workflow that builds it, .github/workflows/release.yml, has not run.
#
#   docker build --tag filterbench .
#   docker run --rm --volume "$PWD:/study" filterbench --cores all
#
# The workflow lies in /filterbench; results and figures go to the working directory, /study.
FROM python:3.11-slim

RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends git \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /filterbench
COPY envs/pruning.txt envs/
RUN pip install --no-cache-dir --requirement envs/pruning.txt
COPY . .

WORKDIR /study
ENTRYPOINT ["snakemake", "--snakefile", "/filterbench/Snakefile", "--workflow-profile", "/filterbench/profiles/default"]
