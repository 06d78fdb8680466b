import Checkpoints
import Runtime

/// Warns of a damaged checkpoint in whose place an older one is taken.
///
/// - Parameters:
///   - name: The checkpoint.
///   - error: What is wrong with it.
func warnOfPassedOver(_ name: CheckpointName, _ error: CheckpointError) {
    Log().warning("checkpoint \(name) is passed over: \(error)")
}
