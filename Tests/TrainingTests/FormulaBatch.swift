import Foundation
import NeuralNetworks
import Pretraining

/// Three records of twelve leads and ten samples by a formula, and their superclasses: what the numbers from PyTorch that
/// fine-tuning is compared with were computed of.
struct FormulaBatch {
    let shard = Shard(seed: 0, step: 0, firstPosition: 0, windows: [0, 1, 2], role: .training)
    /// Shape `[3, 5]`.
    let truths: [Float] = [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1]

    /// The signals, shape `[36, 10]`.
    func signals(on tape: Tape) -> Value {
        let signals = tape.input(rows: 36, columns: 10)
        for i in 0..<signals.count { signals.numbers[i] = Float(sin(0.11 * pow(Double(i), 1.5))) }
        return signals
    }
}
