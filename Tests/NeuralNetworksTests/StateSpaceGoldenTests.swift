import Kernels
@testable import NeuralNetworks
import TestSupport
import Testing

/// A layer of state spaces against the published one's numbers.
struct StateSpaceGoldenTests {
    /// A case of a golden file, which has several under prefixes.
    struct Case: Sendable, CustomTestStringConvertible {
        let golden: GoldenCase
        let prefix: String
        var testDescription: String { "\(golden.name) \(prefix)" }

        func callAsFunction(_ name: String) -> GoldenTensor { golden("\(prefix).\(name)") }
        func number(_ key: String) -> Int { golden.integer("cases.\(prefix).\(key)") }
    }

    static let cases = GoldenCase.all("s4_layer").flatMap { golden in
        (golden.config["cases"]?.objectValue ?? [:]).keys.sorted().map {
            Case(golden: golden, prefix: $0)
        }
    }

    @Test func thereAreBothDirections() {
        #expect(Self.cases.contains { $0.prefix.hasPrefix("causal") })
        #expect(Self.cases.contains { $0.prefix.hasPrefix("bidir") })
    }

    @Test(arguments: cases, [24, 5])
    func outputsAndGradientsAgree(golden: Case, chunk: Int) {
        let model = GoldenLayer(golden, chunk: chunk)
        let result = model.run(golden("input"), cotangent: golden("cotangent"))
        #expect(relativeError(result, golden("output")) < 1e-5)
        #expect(relativeError(model.gelu, golden("gelu")) < 1e-5)
        for name in [
            "input", "D", "kernel.kernel.C", "output_linear.0.weight", "output_linear.0.bias",
        ] {
            #expect(
                relativeError(model.gradient(name), golden("grad.\(name)")) < 1e-4, "\(name)")
        }
    }

    @Test(arguments: cases)
    func longerSignalsThanTheStoredLengthAreExact(golden: Case) {
        let model = GoldenLayer(golden, chunk: 24)
        #expect(
            relativeError(model.run(golden("long.input")), golden("long.output")) < 1e-5)
    }
}

/// A layer with the numbers of a golden case; its input is a parameter, so that it has a gradient.
private final class GoldenLayer: GradientSink {
    private let golden: StateSpaceGoldenTests.Case
    private let chunk: Int
    private var gradients: [String: [Float]] = [:]
    private var parameters: Parameters
    private var size = (samples: 0, width: 0, time: 0)
    /// What the last run had after GELU.
    private(set) var gelu: [Float] = []

    init(_ golden: StateSpaceGoldenTests.Case, chunk: Int) {
        self.golden = golden
        self.chunk = chunk
        parameters = Parameters(ParameterList(), seed: 0)
    }

    func gradient(_ name: String) -> [Float] {
        let found = gradients[name] ?? []
        return name == "input" ? samplesFirst(found) : found
    }

    func run(_ input: GoldenTensor, cotangent: GoldenTensor? = nil) -> [Float] {
        size = (input.shape[0], input.shape[1], input.shape[2])
        var list = ParameterList()
        let layer = StateSpaceLayer(
            "s4",
            StateSpaceLayer.Sizes(
                width: size.width, state: golden.number("state"), length: golden.number("l_max"),
                chunk: chunk,
                isBidirectional: golden("param.kernel.kernel.C").shape[0] == 2), in: &list)
        let signals = channelsFirst(input.floats)
        let x = list.add(
            "s4.input", shape: [size.width, size.samples * size.time],
            .values { signals })
        parameters = Parameters(list, seed: 0)
        for index in list.specifications.indices where index != x {
            let name = list.specifications[index].name.dropFirst("s4.".count)
            let values =
                golden.golden.optional("\(golden.prefix).param.\(name)")
                ?? golden("buffer.\(name)")
            #expect(values.shape == list.specifications[index].shape, "\(name)")
            _ = parameters.tensor(index).floats.update(from: values.floats)
        }
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset()
        let z = layer(tape.parameter(x), samples: size.samples, on: tape)
        let y = tape.gated(z)
        let result = samplesFirst(y.array)
        if let cotangent {
            let start = channelsFirst(cotangent.floats)
            tape.backward(
                from: y, gradient: { $0.update(from: start.span) }, into: self)
        }
        gelu = samplesFirst(activations(of: layer, x))
        return result
    }

    /// GELU's results, by a map over channels that is the identity.
    private func activations(of layer: StateSpaceLayer, _ x: Int) -> [Float] {
        for (name, isIdentity) in [("weight", true), ("bias", false)] {
            guard let index = parameters.index(of: "s4.output_linear.0.\(name)") else { continue }
            let values = parameters.values(of: index)
            for i in 0..<parameters[index].count {
                values[i] = isIdentity && i / size.width == i % size.width ? 1 : 0
            }
        }
        let tape = Tape(parameters: parameters)
        defer { withExtendedLifetime(tape) {} }
        tape.reset(recordsGradients: false)
        let z = layer(tape.parameter(x), samples: size.samples, on: tape)
        return Array(z.array[..<(z.count / 2)])
    }

    /// `[samples, width, time]` to `[width, samples, time]`.
    private func channelsFirst(_ values: [Float]) -> [Float] {
        exchanged(values, outer: size.samples, inner: size.width)
    }

    private func samplesFirst(_ values: [Float]) -> [Float] {
        exchanged(values, outer: size.width, inner: size.samples)
    }

    private func exchanged(_ values: [Float], outer: Int, inner: Int) -> [Float] {
        var result: [Float] = []
        for j in 0..<inner {
            for i in 0..<outer {
                let start = (i * inner + j) * size.time
                result += values[start..<start + size.time]
            }
        }
        return result
    }

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients[String(parameters[parameter].name.dropFirst("s4.".count))] = Array(gradient)
    }
}

extension Tape {
    /// A gated linear unit alone, which the network has only together with its residual.
    fileprivate func gated(_ z: Value) -> Value {
        let y = result(rows: z.rows / 2, columns: z.columns)
        for i in 0..<y.count {
            y.data[i] = z.data[i] * Gate.open(z.data[y.count + i])
        }
        record(Gate(z: z, y: y))
        return y
    }
}

private struct Gate: NeuralNetworks.Operation {
    let z: Value
    let y: Value

    static func open(_ x: Float) -> Float {
        Float(1 / (1 + ElementaryFunctions.exponential(-Double(x))))
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y), let dz = tape.addedContribution(to: z) else {
            return
        }
        for i in 0..<y.count {
            let open = Self.open(z.data[y.count + i])
            dz[i] += dy[i] * open
            dz[y.count + i] += dy[i] * z.data[i] * open * (1 - open)
        }
        tape.release(dy, count: y.count)
    }
}
