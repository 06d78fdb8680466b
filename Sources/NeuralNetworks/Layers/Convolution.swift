/// A convolution over time.
public struct Convolution: Sendable {
    /// How the kernel moves.
    public let shape: ConvolutionShape
    private let weight: Int
    private let bias: Int?

    /// Adds the parameters `NAME.weight` `[outputs, inputs, kernel]` and `NAME.bias` `[outputs]`.
    ///
    /// Where nothing else is said, weights begin normal with deviation sqrt(2 / (inputs * kernel)), which keeps the size of
    /// signals through rectifiers (He et al., "Delving deep into rectifiers", 2015), and a bias at 0.
    ///
    /// - Parameters:
    ///   - name: What the names begin with.
    ///   - inputs: Channels of the input.
    ///   - outputs: Channels of the result.
    ///   - shape: Kernel, stride and padding.
    ///   - bias: Whether a bias is added.
    ///   - initialiser: How weights and bias begin.
    ///   - parameters: Gets the parameters.
    public init(
        _ name: String, inputs: Int, outputs: Int, shape: ConvolutionShape, bias: Bool = true,
        initialiser: Initialiser? = nil, in parameters: inout ParameterList
    ) {
        self.shape = shape
        weight = parameters.add(
            "\(name).weight", shape: [outputs, inputs, shape.kernel],
            initialiser
                ?? .normal(deviation: (2 / Double(inputs * shape.kernel)).squareRoot()))
        self.bias =
            bias ? parameters.add("\(name).bias", shape: [outputs], initialiser ?? .zeros) : nil
    }

    /// Shape `[samples * time, inputs]` to `[samples * outputTime, outputs]`.
    public func callAsFunction(_ x: Value, time: Int, on tape: Tape) -> Value {
        tape.convolution(
            x, time: time, weight: tape.parameter(weight), bias: bias.map { tape.parameter($0) },
            shape: shape)
    }

    /// For values whose rows are channels: shape `[samples * inputs, time]` to
    /// `[outputs, samples * outputTime]`.
    public func ofChannels(_ x: Value, inputs: Int, on tape: Tape) -> Value {
        tape.channelConvolution(
            x, inputs: inputs, weight: tape.parameter(weight),
            bias: bias.map { tape.parameter($0) }, shape: shape)
    }

    /// The same without a bias where the kernel covers one time step: a product of the channels, shape `[inputs, columns]` to
    /// `[outputs, columns]`.
    public func ofSingleTimes(_ x: Value, on tape: Tape) -> Value {
        precondition(
            bias == nil && shape == ConvolutionShape(kernel: 1), "a kernel of more than a time")
        return tape.channelProduct(x, weight: tape.parameter(weight))
    }
}
