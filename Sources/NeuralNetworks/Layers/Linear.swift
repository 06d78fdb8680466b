/// An affine map: `y = x W' + b`.
public struct Linear: Sendable {
    let weight: Int
    let bias: Int?

    /// Adds the parameters `NAME.weight` `[outputs, inputs]` and `NAME.bias` `[outputs]`.
    public init(
        _ name: String, inputs: Int, outputs: Int, bias: Bool = true,
        initialiser: Initialiser = .xavierUniform, in parameters: inout ParameterList
    ) {
        weight = parameters.add("\(name).weight", shape: [outputs, inputs], initialiser)
        self.bias = bias ? parameters.add("\(name).bias", shape: [outputs], .zeros) : nil
    }

    /// Shape `[rows, inputs]` to `[rows, outputs]`.
    public func callAsFunction(_ x: Value, residual: Value? = nil, on tape: Tape) -> Value {
        tape.linear(
            x, weight: tape.parameter(weight), bias: bias.map { tape.parameter($0) },
            residual: residual)
    }

    /// Shape `[inputs, columns]` to `[outputs, columns]`, for values whose rows are channels.
    public func ofChannels(_ x: Value, on tape: Tape) -> Value {
        tape.channelProduct(
            x, weight: tape.parameter(weight), bias: bias.map { tape.parameter($0) })
    }
}

/// Layer normalisation with gain and shift.
public struct LayerNormalisation: Sendable {
    let gain: Int
    let shift: Int
    let epsilon: Float

    /// Adds the parameters `NAME.weight` and `NAME.bias`, both `[width]`.
    public init(
        _ name: String, width: Int, epsilon: Float = 1e-5, in parameters: inout ParameterList
    ) {
        gain = parameters.add("\(name).weight", shape: [width], .ones)
        shift = parameters.add("\(name).bias", shape: [width], .zeros)
        self.epsilon = epsilon
    }

    /// Shape `[rows, width]`, unchanged.
    public func callAsFunction(_ x: Value, on tape: Tape) -> Value {
        tape.layerNormalisation(
            x, gain: tape.parameter(gain), shift: tape.parameter(shift), epsilon: epsilon)
    }

    /// A gated sum with its residual, normalised over channels, for values whose rows are channels; see
    /// `Tape.gatedResidual`.
    public func gatedResidual(
        _ z: consuming Value, residual: Value, samples: Int, factors: Value? = nil, on tape: Tape
    ) -> Value {
        tape.gatedResidual(
            z, residual: residual, gain: tape.parameter(gain), shift: tape.parameter(shift),
            epsilon: epsilon, samples: samples, factors: factors)
    }
}
