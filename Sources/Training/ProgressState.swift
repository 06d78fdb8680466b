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
    var step: UInt64 { stepTensor.bytes.load(as: UInt64.self) }
    /// Samples that finished steps have used.
    var cursor: UInt64 { cursorTensor.bytes.load(as: UInt64.self) }
    /// Steps that moved the parameters; skipped ones did not.
    var updates: UInt64 { updatesTensor.bytes.load(as: UInt64.self) }
    /// What the next step's largest gradients are expected to be, one a block.
    var runningExponents: UnsafeMutableRawBufferPointer { exponentTensor.bytes }

    /// After an update: exponents sink by one a step and rise at once.
    func advance(samples: Int, maxima: [UInt8]) {
        for (index, largest) in maxima.enumerated() {
            let running = runningExponents[index]
            runningExponents[index] = max(running == 0 ? 0 : running - 1, largest)
        }
        updatesTensor.bytes.storeBytes(of: updates + 1, as: UInt64.self)
        skip(samples: samples)
    }

    /// After a step that moved nothing.
    func skip(samples: Int) {
        stepTensor.bytes.storeBytes(of: step + 1, as: UInt64.self)
        cursorTensor.bytes.storeBytes(of: cursor + UInt64(samples), as: UInt64.self)
    }
}
