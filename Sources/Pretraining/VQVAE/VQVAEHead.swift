import Kernels
import NeuralNetworks

/// The head of the study: a pooled feature to a latent vector before the quantiser, and a code back to the record.
///
/// Parameters have the study's names: `to_latent.{0,1}.*` and `decoder.{0,1,4,6}.*`.
struct VQVAEHead: Sendable {
    private let latentProjection: Linear
    private let latentNorm: LayerNormalisation
    private let expansion: Linear
    private let norm: LayerNormalisation
    private let hidden: Linear
    private let output: Linear

    /// Adds the head's parameters.
    ///
    /// - Parameters:
    ///   - width: Numbers of the pooled feature.
    ///   - latent: Numbers of a latent vector.
    ///   - hidden: Numbers of the decoder's first hidden layer; the second has twice as many.
    ///   - outputs: Samples of a record, all leads.
    ///   - list: Receives the parameters.
    init(width: Int, latent: Int, hidden: Int, outputs: Int, in list: inout ParameterList) {
        latentProjection = Linear("to_latent.0", inputs: width, outputs: latent, in: &list)
        latentNorm = LayerNormalisation("to_latent.1", width: latent, in: &list)
        expansion = Linear("decoder.0", inputs: latent, outputs: hidden, in: &list)
        norm = LayerNormalisation("decoder.1", width: hidden, in: &list)
        self.hidden = Linear("decoder.4", inputs: hidden, outputs: 2 * hidden, in: &list)
        output = Linear("decoder.6", inputs: 2 * hidden, outputs: outputs, in: &list)
    }

    /// Shape `[rows, width]` to `[rows, latent]`, each number between -1 and 1.
    func latent(of feature: Value, on tape: Tape) -> Value {
        tape.hyperbolicTangent(latentNorm(latentProjection(feature, on: tape), on: tape))
    }

    /// Shape `[rows, latent]` to `[rows, outputs]`.
    ///
    /// - Parameters:
    ///   - quantised: What is left of a record.
    ///   - dropout: The share of hidden numbers that is dropped and each row's stream; none while measuring.
    ///   - tape: Where the computation is recorded.
    /// - Returns: The records, rebuilt.
    func decode(
        _ quantised: Value, dropout: (rate: Float, random: (Int) -> RandomStream)?, on tape: Tape
    ) -> Value {
        var x = tape.relu(norm(expansion(quantised, on: tape), on: tape))
        if let dropout {
            x = tape.dropout(
                x, rate: dropout.rate, runs: x.rows, random: dropout.random)
        }
        return output(tape.relu(hidden(x, on: tape)), on: tape)
    }
}
