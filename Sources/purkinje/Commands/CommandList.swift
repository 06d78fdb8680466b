import Checkpoints
import CommandLineInterface
import Configurations
import Evaluation
import Runs
import Runtime
import Training
import Workflows

/// All commands, in the order of `purkinje help`.
let commands: [Command] = [
    dataSynthesiseCommand,
    dataPrepareCommand,
    dataInspectCommand,
    dataExportCommand,
    parametersCommand,
    pretrainCommand,
    launchCommand,
    resumeCommand,
    verifyCommand,
    statusCommand,
    reconstructCommand,
    embedCommand,
    evaluateCommand,
    compareCommand,
    neighboursCommand,
    explainCommand,
    mapCommand,
    metricsCommand,
    reportCommand,
    doctorCommand,
    checkpointListCommand,
    checkpointVerifyCommand,
    checkpointDigestCommand,
    checkpointExportCommand,
    checkpointImportCommand,
    benchStepCommand,
    benchProbeCommand,
    benchAllReduceCommand,
    benchCompressionCommand,
    benchParametersCommand,
]

/// What to type for what other programs call otherwise, and for methods, which are no commands.
let hints: [String: String] = {
    let finetuning =
        "'purkinje evaluate --protocols finetune' fine-tunes a run's encoder and measures it; 'purkinje pretrain' trains "
        + "a configuration with \"method\": \"finetune\""
    let training =
        "'purkinje pretrain' trains in one process, 'purkinje launch' with several workers"
    var hints = [
        "finetune": finetuning, "fine-tune": finetuning, "train": training, "fit": training,
        "run": training,
    ]
    for method in MethodDescriptor.all where hints[method.name] == nil {
        hints[method.name] =
            "it is a method: 'purkinje pretrain' trains a configuration with \"method\": \"\(method.name)\""
    }
    return hints
}()

/// The exit code of an error that a room threw.
@Sendable
func exitCode(for error: any Error) -> ExitCode {
    switch error {
    case is ConfigurationError: .usage
    case RunError.configuration, RunError.occupied: .usage
    case RunError.differs, CheckpointError.differs: .refused
    case TrainingError.diverged: .diverged
    case WorkflowError.noWeights, WorkflowError.reconstructsNothing, WorkflowError.noCheckpoint,
        WorkflowError.nothingBetween:
        .usage
    case EvaluationError.noReadout, EvaluationError.noEmbedding, EvaluationError.noAttention,
        EvaluationError.noRecord, EvaluationError.tooFewCandidates:
        .usage
    default: .failure
    }
}
