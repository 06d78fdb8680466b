import Kernels
import Tensors

/// The part of the training state that is neither parameter nor moment: counters and running exponents.
final class ProgressState {
    private let stepTensor = Tensor(.int64, shape: [1])
    private let cursorTensor = Tensor(.int64, shape: [1])
    private let updatesTensor = Tensor(.int64, shape: [1])
    private let exponentTensor: Tensor

    init(blocks: Int) {
        exponentTensor = Tensor(.uint8, shape: [blocks])
    }

    /// By name, for checkpoints and digests.
    var tensors: [NamedTensor] {
        [
            NamedTensor("state.step", stepTensor), NamedTensor("state.cursor", cursorTensor),
            NamedTensor("state.updates", updatesTensor),
            NamedTensor("state.exponents", exponentTensor),
        ]
    }

    /// Finished steps.
    var step: UInt64 { counter(stepTensor)[0] }
    /// Samples that finished steps have used.
    var cursor: UInt64 { counter(cursorTensor)[0] }
    /// Steps that moved the parameters; skipped ones did not.
    var updates: UInt64 { counter(updatesTensor)[0] }
    /// What the next step's largest gradients are expected to be, one a block.
    var runningExponents: Numbers<UInt8> { exponentTensor.numbers(of: UInt8.self) }

    private func counter(_ tensor: Tensor) -> Numbers<UInt64> { tensor.numbers(of: UInt64.self) }

    /// After an update: exponents sink by one a step and rise at once.
    func advance(samples: Int, maxima: [UInt8]) {
        let exponents = runningExponents
        for (index, largest) in maxima.enumerated() {
            let running = exponents[index]
            exponents[index] = max(running == 0 ? 0 : running - 1, largest)
        }
        counter(updatesTensor)[0] += 1
        skip(samples: samples)
    }

    /// After a step that moved nothing.
    func skip(samples: Int) {
        counter(stepTensor)[0] += 1
        counter(cursorTensor)[0] += UInt64(samples)
    }
}
