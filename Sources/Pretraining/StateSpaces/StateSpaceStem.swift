import Configurations
import NeuralNetworks

/// What makes tokens of signals for layers of state spaces, see `StateSpaceEncoderConfiguration.Stem`.
struct StateSpaceStem: Sendable {
    private struct Stage: Sendable {
        let convolution: Convolution
        /// Normalises over the shard and rectifies; `nil` where the convolution is all.
        let norm: BatchNormalisation?
    }

    private let leads: Int
    private let width: Int
    private let stages: [Stage]

    /// Convolutions of the strided stem: the first one over three samples, the others over one token.
    private static let stridedShapes =
        [ConvolutionShape(kernel: 3, stride: 2, padding: 1)]
        + Array(repeating: ConvolutionShape(kernel: 1), count: 3)

    /// Adds the parameters `encoder.encoder.layers.{i}.0` and `.1` of the strided stem, `encoder.encoder` of the linear one.
    init(_ settings: StateSpaceEncoderConfiguration, leads: Int, in list: inout ParameterList) {
        self.leads = leads
        width = settings.width
        switch settings.stem {
        case .strided:
            var stages: [Stage] = []
            for (index, shape) in Self.stridedShapes.enumerated() {
                let name = "encoder.encoder.layers.\(index)"
                stages.append(
                    Stage(
                        convolution: Convolution(
                            "\(name).0", inputs: index == 0 ? leads : settings.width,
                            outputs: settings.width, shape: shape, bias: false, in: &list),
                        norm: BatchNormalisation("\(name).1", width: settings.width, in: &list)))
            }
            self.stages = stages
        case .linear:
            // There is no rectifier behind it, so it begins as layers do that have none.
            let bound = 1 / Double(leads).squareRoot()
            stages = [
                Stage(
                    convolution: Convolution(
                        "encoder.encoder", inputs: leads, outputs: settings.width,
                        shape: ConvolutionShape(kernel: 1), initialiser: .uniform(-bound...bound),
                        in: &list), norm: nil)
            ]
        }
    }

    /// Signals to tokens.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`.
    ///   - isTraining: Whether the shard's own statistics normalise.
    ///   - tape: Where the computation is recorded.
    /// - Returns: Shape `[width, count * tokens]`.
    func callAsFunction(_ signals: Value, isTraining: Bool, on tape: Tape) -> Value {
        var x = signals
        for (index, stage) in stages.enumerated() {
            x =
                index == 0
                ? stage.convolution.ofChannels(x, inputs: leads, on: tape)
                : stage.convolution.ofSingleTimes(x, on: tape)
            x = stage.norm?.rectifiedRows(x, usesBatch: isTraining, on: tape) ?? x
        }
        return x
    }

    /// Moves the running statistics.
    func update(_ context: UpdateContext) {
        for stage in stages {
            stage.norm?.update(context.parameters, statistic: context.statistic)
        }
    }

    // MARK: Costs

    /// Tokens of a signal.
    func tokens(samples: Int) -> Int { stages[0].convolution.shape.outputTime(samples) }

    private var kernel: Int { stages[0].convolution.shape.kernel * leads }

    /// Multiplications for a token, and those among them on the signal itself.
    var multiplicationsPerToken: (all: Double, onSignal: Double) {
        let first = Double(width * kernel)
        return (first + Double((stages.count - 1) * width * width), first)
    }

    /// Numbers that the backward pass needs of a token: of each stage its result, and what the norm makes of it.
    var activationsPerToken: Int {
        kernel + width * stages.reduce(0) { $0 + ($1.norm == nil ? 1 : 2) }
    }
}
