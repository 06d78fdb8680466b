import CommandLineInterface
import Workflows

/// What `evaluate` takes for the protocol finetune.
enum FinetuneOptions {
    private static let folder = Option(
        "finetune-run", .directory, otherwise: "finetune in the run directory",
        help: "Where fine-tuning keeps its runs; what is finished there is not done again.")
    private static let configuration = Option(
        "finetune-config", .file, otherwise: "10 epochs with the encoder's sizes",
        help: "The configuration of fine-tuning, a JSON file with the method finetune.")
    private static let set = Option(
        repeated: "set", .text.named("KEY=VALUE"),
        help: "Override one value of the fine-tuning, such as optimizer.learningRate=1e-3.")
    private static let workers = Option(
        "workers", .workers, otherwise: "one process, no network",
        help: "Fine-tune with a coordinator and so many workers, of --threads threads each.")

    /// All flags.
    static let all: [any Parameter] = [folder, configuration, set, workers]

    /// What the user says of fine-tuning.
    static func settings(_ given: Invocation) -> FinetuneSettings {
        var settings = FinetuneSettings()
        (settings.folder, settings.configuration) = (given[folder], given[configuration])
        (settings.overrides, settings.workers) = (given[set], given[workers])
        return settings
    }
}
