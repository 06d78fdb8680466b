import Kernels
import NeuralNetworks
import TestSupport
import Testing

/// Convolutional and recurrent operations against PyTorch's numbers.
@Suite struct ConvolutionAndRecurrenceTests {
    @Test(arguments: GoldenCase.all("nn_ops_conv"))
    func convolutionNormalisationAndPool(golden: GoldenCase) {
        let (samples, time) = (golden("x").shape[0], golden("x").shape[2])
        let shape = ConvolutionShape(kernel: golden("conv.weight").shape[2], stride: 3)
        let steps = shape.outputTime(time)
        let inputs = ["conv.weight", "conv.bias", "bn.weight", "bn.bias"]
        let graph = TestGraph(
            [("x", channelsLast(golden("x")))] + inputs.map { ($0, golden($0)) })
        var middle: [String: [Float]] = [:]
        var running = golden("bn.running_mean").doubles.map { _ in (mean: 0.0, variance: 0.0) }
        let y = graph.run(cotangent: channelsLast(golden("cotangent")).floats) { tape, v in
            let convolved = tape.convolution(
                v[0], time: time, weight: v[1], bias: v[2], shape: shape)
            let normalised = tape.batchNormalisation(
                convolved, gain: v[3], shift: v[4], epsilon: 1e-5
            ) { mean, variance in
                for j in running.indices {
                    running[j] = (0.1 * Double(mean[j]), 0.9 + 0.1 * Double(variance[j]))
                }
            }
            middle["conv.y"] = convolved.array
            middle["bn.y"] = normalised.array
            return tape.maximumPool(tape.relu(normalised), time: steps, window: 2)
        }
        #expect(y.count == samples * (steps / 2) * golden("bn.bias").doubles.count)
        #expect(relativeError(y, channelsLast(golden("pool.y"))) < 1e-5)
        for (name, numbers) in middle.sorted(by: { $0.key < $1.key }) {
            #expect(relativeError(numbers, channelsLast(golden(name))) < 1e-5, "\(name)")
        }
        #expect(relativeError(running.map { Float($0.mean) }, golden("bn.running_mean")) < 1e-5)
        #expect(relativeError(running.map { Float($0.variance) }, golden("bn.running_var")) < 1e-5)
        #expect(relativeError(graph.gradient("x"), channelsLast(golden("grad.x"))) < 1e-4)
        for name in inputs {
            // A bias before a batch normalisation has a gradient of zero but for rounding.
            let bound = name == "conv.bias" ? 1e-5 : 1e-4
            let expected = golden("grad.\(name)")
            let error =
                name == "conv.bias"
                ? zip(graph.gradient(name), expected.doubles).map { abs(Double($0) - $1) }.max()
                : relativeError(graph.gradient(name), expected)
            #expect(error ?? .infinity < bound, "\(name)")
        }
    }

    @Test(arguments: GoldenCase.all("nn_ops_conv"))
    func paddedConvolution(golden: GoldenCase) {
        let time = golden("pad.x").shape[2]
        let graph = TestGraph([
            ("x", channelsLast(golden("pad.x"))), ("weight", golden("pad.weight")),
        ])
        let y = graph.run(cotangent: channelsLast(golden("pad.cotangent")).floats) { tape, v in
            tape.convolution(
                v[0], time: time, weight: v[1],
                shape: ConvolutionShape(
                    kernel: golden("pad.weight").shape[2], stride: 2, padding: 2))
        }
        #expect(relativeError(y, channelsLast(golden("pad.y"))) < 1e-5)
        #expect(relativeError(graph.gradient("x"), channelsLast(golden("pad.grad.x"))) < 2e-5)
        #expect(relativeError(graph.gradient("weight"), golden("pad.grad.weight")) < 2e-5)
    }

    @Test(arguments: GoldenCase.all("nn_ops_gru") + GoldenCase.all("nn_ops_lstm"))
    func recurrence(golden: GoldenCase) throws {
        let (samples, time) = (golden.integer("batch"), golden.integer("time"))
        let (layers, width) = (golden.integer("layers"), golden.integer("hidden"))
        let kind = try #require(golden.config["kind"]?.stringValue.flatMap(RecurrenceKind.init))
        var list = ParameterList()
        let x = golden("x")
        let input = list.add("x", shape: x.shape, .values { x.floats })
        let network = Recurrence(
            "rnn", kind: kind, inputs: golden.integer("input"), width: width, layers: layers,
            in: &list)
        let parameters = Parameters(list, seed: 0)
        for index in 1..<parameters.count {
            let name = parameters[index].name.dropFirst(4)
            _ = parameters.tensor(index).floats.update(from: golden("param.\(name)").floats)
        }
        let (tape, sink) = (Tape(parameters: parameters), GradientCollection())
        tape.reset()
        let y = network(tape.parameter(input), time: time, on: tape)
        #expect(relativeError(y.array, golden("y")) < 1e-5)
        var last: [Float] = []
        for sample in 1...samples {
            let end = sample * time * width
            last += y.array[end - width..<end]
        }
        let states = golden("h_n").doubles.suffix(samples * width)
        #expect(relativeError(last, GoldenTensor(shape: [], doubles: Array(states))) < 1e-5)
        tape.backward(
            from: y,
            gradient: { $0.update(from: golden("cotangent").floats.span) }, into: sink)
        for index in 0..<parameters.count {
            let name = index == input ? "x" : String(parameters[index].name.dropFirst(4))
            let gradient = sink.gradients[index] ?? []
            #expect(relativeError(gradient, golden("grad.\(name)")) < 1e-4, "\(name)")
        }
    }
}

/// Gradients by the number of their parameter.
private final class GradientCollection: GradientSink {
    var gradients: [Int: [Float]] = [:]

    func receive(gradient: Numbers<Float>, of parameter: Int) {
        gradients[parameter] = Array(gradient)
    }
}

/// A `[samples, channels, time]` array as `[samples * time, channels]`.
private func channelsLast(_ tensor: GoldenTensor) -> GoldenTensor {
    let (samples, channels, time) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    var numbers: [Double] = []
    for sample in 0..<samples {
        for step in 0..<time {
            for channel in 0..<channels {
                numbers.append(tensor.doubles[(sample * channels + channel) * time + step])
            }
        }
    }
    return GoldenTensor(shape: [samples * time, channels], doubles: numbers)
}
