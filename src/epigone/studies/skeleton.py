"""The skeleton of every experiment: it opens, resumes, times, runs and writes."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from epigone.described import described
from epigone.folder_lock import output_folder
from epigone.report.page import write_report
from epigone.storage import atomic_write, write_json
from epigone.studies.engine.cluster import ExecutorOptions, opened
from epigone.studies.engine.command_line import command_line
from epigone.studies.engine.losses_file import losses_csv
from epigone.studies.engine.plan import seconds_by_stage
from epigone.studies.engine.rows import diverged_notice, without_diverged
from epigone.studies.engine.workspace import machine, open_study, seconds_of_all_calls
from epigone.studies.experiment import Context, Experiment, F, Findings, O, Result, StudyOptions, StudyResult
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor

log = logging.getLogger("epigone")

TRIAL = "A quick trial: every part ran, but these figures mean nothing."


def run_study(
    experiment: Experiment[Any, Any],
    data: Mapping[str, Path],
    out: Path,
    size: StudyOptions,
    options: Any,
    read: ReadOptions,
    executing: ExecutorOptions,
    resume: bool,
    monitor: Monitor,
) -> StudyResult:
    """Run a study on its texts."""
    begin = time.perf_counter()
    if size.quick:
        log.info(TRIAL)
    sources, notices = experiment.texts(data, read, size.quick)
    named = [f"{role}={path}" for role, path in data.items()]
    words = ["study", experiment.name, "--data", *named, "--out", out.resolve().name]
    context = Context(
        out=out,
        sources=dict(sources),
        options=options,
        seeds=range(2 if size.quick else size.seeds),
        quick=size.quick,
        tokenizer=experiment.tokenizer,
        notices=notices,
        monitor=monitor,
        command=command_line(words, size, options, read),
    )
    request: dict[str, Any] = {"quick": size.quick, "seeds": size.seeds}
    if own := described(options):
        request["options"] = own
    request["corpora"] = {role: source.summary() for role, source in sources.items()}

    def result(findings: Findings, seconds: float) -> StudyResult:
        return StudyResult(
            study=experiment.name,
            folder=str(out),
            report=str(out / "report.html"),
            rows=findings.rows,
            claims=findings.claims,
            notices=[TRIAL] * context.quick + context.notices,
            samples=findings.samples,
            seconds=seconds,
            tables=findings.tables,
            texts=findings.texts,
        )

    return conduct(
        experiment, context, request, result, begin=begin, workers=size.workers, executing=executing, resume=resume
    )


R = TypeVar("R", bound=Result)


def conduct(
    experiment: Experiment[O, F],
    context: Context[O],
    request: dict[str, Any],
    result: Callable[[F, float], R],
    *,
    begin: float,
    workers: int,
    executing: ExecutorOptions,
    resume: bool,
    file: str = "result.json",
) -> R:
    """Open or resume the folder, run all rows, analyse them, and write the result and the report.

    Args:
        experiment: the declaration.
        context: texts, options and seeds.
        request: everything else that determines the runs; written to study.json.
        result: makes the returned value of findings and seconds.
        begin: the start of the call, by `time.perf_counter` (seconds).
        workers: runs at the same time; 0 is one for each core.
        executing: where the runs are done.
        resume: go on in a folder that holds this experiment.
        file: the name of the result file.

    Raises:
        UserError: the folder holds something else.
    """
    whole = {"command": experiment.name} | request
    with output_folder(context.out, resume):
        open_study(context.out, whole, lists_of(context.options), described(experiment.options()))
        context.notices += _notices_on_texts(experiment, context)
        planned = []
        if experiment.plan and context.monitor.plans and not (resume or context.quick):
            log.info("Measuring how long the runs take.")
            planned = experiment.plan(context)
        with seconds_of_all_calls(context.out, begin) as seconds_so_far:
            with context.monitor, opened(executing, workers, context.store) as context.pool:
                if planned:
                    workers = context.pool.workers
                    seconds = [each / workers for each in seconds_by_stage(planned, context.pool)]
                    context.monitor.plan(
                        [(s.title, s.runs, each) for s, each in zip(planned, seconds, strict=True)], workers
                    )
                context.table = experiment.rows(context)
            context.rows, context.diverged = without_diverged(context.table, context.runs)
            context.notices += [diverged_notice(row, context.runs[row.name]) for row in context.diverged]
            log.info("Writing the samples and the report.")
            findings = experiment.analyse(context)
            took = seconds_so_far()
            found = result(findings, took)
            write_json(context.out / file, found.figures() | findings.extra)
            if any(run.losses for runs in context.runs.values() for run in runs):
                atomic_write(context.out / "losses.csv", losses_csv([*context.table, *context.ran], context.runs))
            for name, page in findings.pages.items():
                atomic_write(context.out / name, page)
            report = experiment.report(context, findings)
            write_report(
                context.out,
                replace(
                    report,
                    summary=f"{TRIAL} {report.summary}" if context.quick else report.summary,
                    notices=context.notices,
                    command=context.command,
                    facts=_facts(context, findings, request, took),
                ),
            )
            return found


def lists_of(options: Any) -> list[str]:
    """The options that list rows. They may change when a study goes on: every run keeps its own folder."""
    return [field.name for field in fields(options) if isinstance(getattr(options, field.name), tuple)]


def _notices_on_texts(experiment: Experiment[Any, Any], context: Context[Any]) -> list[str]:
    several = bool(experiment.further) or len(context.sources) > 1
    return [
        f"{role}: {notice}" if several else notice
        for role, source in context.sources.items()
        for notice in source.notices(context.tokenizer)
    ]


def _facts(context: Context[Any], findings: Findings, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Everything needed to repeat the runs: texts, options, what the analysis adds, and the machine."""
    summaries = ("corpora", *context.sources)  # in full below
    return {
        **{role: source.facts() for role, source in context.sources.items()},
        "options": {key: value for key, value in request.items() if key not in summaries},
        **findings.facts,
        "machine": machine() | {"seeds": list(context.seeds), "seconds": seconds},
    }
