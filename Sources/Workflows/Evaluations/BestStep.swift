import Configurations
import Reporting
import Runs

/// Which step of a fine-tuning is measured: the one with the highest macro AUROC on the validation fold.
public enum BestStep {
    /// Finds the best planned step of a run.
    ///
    /// - Parameters:
    ///   - directory: The run's folder.
    ///   - configuration: Plans when the validation fold is measured.
    /// - Returns: Finished steps.
    /// - Throws: `WorkflowError` where no planned step was measured, and whatever keeps metrics from being read.
    public static func find(
        in directory: RunDirectory, configuration: Configuration
    ) throws -> UInt64 {
        let every = configuration.validation.everySteps
        let measured = try RunHistory(directory).validation["auroc_macro"].map {
            zip($0.steps.map { Int($0) }, $0.values).map { (step: $0, auroc: $1) }
        }
        guard let best = best(of: measured ?? [], every: every, last: configuration.steps) else {
            throw WorkflowError.noValidation(metrics: directory.metricsPath, every: every)
        }
        return UInt64(best)
    }

    /// The planned step with the highest value, the earliest of equals.
    ///
    /// A run that was stopped measures at other steps, too; those would make the choice depend on when it was stopped.
    ///
    /// - Parameters:
    ///   - measured: Steps and their values, in the order of steps.
    ///   - every: Steps from one planned measurement to the next; 0 for the last alone.
    ///   - last: The last step.
    /// - Returns: `nil` where no planned step was measured.
    static func best(
        of measured: [(step: Int, auroc: Double)], every: Int, last: Int
    ) -> Int? {
        var best: (step: Int, auroc: Double)?
        for (step, auroc) in measured
        where step > 0 && (step == last || every > 0 && step % every == 0)
            && auroc > best?.auroc ?? -1
        {
            best = (step, auroc)
        }
        return best?.step
    }
}
