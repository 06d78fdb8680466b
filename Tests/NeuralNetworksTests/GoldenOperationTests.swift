import Kernels
import NeuralNetworks
import Tensors
import TestSupport
import Testing

@Suite struct GoldenOperationTests {
    @Test(arguments: GoldenCase.all("nn_ops_basic"))
    func linear(golden: GoldenCase) {
        let graph = TestGraph([
            ("x", golden("linear.x")), ("weight", golden("linear.weight")),
            ("bias", golden("linear.bias")),
        ])
        let y = graph.run(cotangent: golden("linear.cotangent").floats) { tape, v in
            tape.linear(v[0], weight: v[1], bias: v[2])
        }
        #expect(relativeError(y, golden("linear.y")) < 1e-5)
        for name in ["x", "weight", "bias"] {
            #expect(relativeError(graph.gradient(name), golden("linear.grad.\(name)")) < 2e-5)
        }
    }

    @Test(arguments: GoldenCase.all("nn_ops_basic"))
    func layerNormalisation(golden: GoldenCase) {
        let prefixes = Set(
            golden.names.filter { $0.hasPrefix("ln") }.map { String($0.prefix { $0 != "." }) }
        ).sorted()
        #expect(!prefixes.isEmpty)
        for prefix in prefixes {
            let epsilon = Float(prefix.dropFirst(2)) ?? .nan
            let graph = TestGraph([
                ("x", golden("\(prefix).x")), ("weight", golden("\(prefix).weight")),
                ("bias", golden("\(prefix).bias")),
            ])
            let y = graph.run(cotangent: golden("\(prefix).cotangent").floats) { tape, v in
                tape.layerNormalisation(v[0], gain: v[1], shift: v[2], epsilon: epsilon)
            }
            #expect(relativeError(y, golden("\(prefix).y")) < 1e-5)
            for name in ["x", "weight", "bias"] {
                #expect(
                    relativeError(graph.gradient(name), golden("\(prefix).grad.\(name)")) < 2e-5)
            }
        }
    }

    @Test(arguments: GoldenCase.all("nn_ops_basic"))
    func gelu(golden: GoldenCase) {
        let columns = golden("gelu.x").shape.last ?? 1
        let zeros = GoldenTensor(shape: [columns], doubles: Array(repeating: 0, count: columns))
        let graph = TestGraph([("x", golden("gelu.x")), ("bias", zeros)])
        let y = graph.run(cotangent: golden("gelu.cotangent").floats) { tape, v in
            tape.biasGELU(graph.copy(of: v[0], on: tape), bias: v[1])
        }
        #expect(relativeError(y, golden("gelu.y")) < 1e-5)
        #expect(relativeError(graph.gradient("x"), golden("gelu.grad")) < 2e-5)
    }

    @Test(arguments: GoldenCase.all("nn_ops_basic"))
    func softmax(golden: GoldenCase) {
        let columns = golden("softmax.x").shape.last ?? 1
        var y = golden("softmax.x").floats
        var gradient = golden("softmax.cotangent").floats
        let rows = y.count / columns
        y.withUnsafeMutableBufferPointer { y in
            gradient.withUnsafeMutableBufferPointer { gradient in
                guard let y = y.baseAddress, let gradient = gradient.baseAddress else { return }
                softmaxRows(y, scale: 1, rows: rows, columns: columns)
                softmaxRowsBackward(
                    gradient, probabilities: y, scale: 1, rows: rows, columns: columns)
            }
        }
        #expect(relativeError(y, golden("softmax.y")) < 1e-5)
        #expect(relativeError(gradient, golden("softmax.grad")) < 2e-5)
    }

    @Test(arguments: GoldenCase.all("nn_ops_attention"), ["plain", "masked"])
    func attention(golden: GoldenCase, kind: String) {
        let shape = golden("\(kind).q").shape
        let (heads, tokens, width) = (shape[1], shape[2], shape[3])
        let qkv = interleave(["q", "k", "v"].map { golden("\(kind).\($0)").doubles }, shape)
        let graph = TestGraph([
            ("qkv", GoldenTensor(shape: [shape[0] * tokens, 3 * heads * width], doubles: qkv))
        ])
        let keep = golden("\(kind).keep").integers.map { UInt8($0) }
        let y = graph.run(
            cotangent: interleave([golden("\(kind).cotangent").doubles], shape).map { Float($0) }
        ) { tape, v in
            tape.attention(
                v[0], tokens: tokens, heads: heads,
                keep: kind == "masked" ? tape.numbers(keep) : nil)
        }
        func expected(_ names: [String]) -> GoldenTensor {
            GoldenTensor(
                shape: [], doubles: interleave(names.map { golden("\(kind).\($0)").doubles }, shape)
            )
        }
        #expect(relativeError(y, expected(["y"])) < 1e-5)
        #expect(
            relativeError(graph.gradient("qkv"), expected(["grad.q", "grad.k", "grad.v"])) < 2e-5)
    }

    /// `[batch, heads, tokens, width]` arrays as `[batch * tokens, arrays * heads * width]`.
    private func interleave(_ arrays: [[Double]], _ shape: [Int]) -> [Double] {
        let (batch, heads, tokens, width) = (shape[0], shape[1], shape[2], shape[3])
        var result: [Double] = []
        for b in 0..<batch {
            for t in 0..<tokens {
                for array in arrays {
                    for h in 0..<heads {
                        let start = ((b * heads + h) * tokens + t) * width
                        result += array[start..<start + width]
                    }
                }
            }
        }
        return result
    }

    @Test(arguments: GoldenCase.all("nn_ops_adamw"))
    func adamW(golden: GoldenCase) {
        let (steps, count) = (golden("grads").shape[0], golden("grads").shape[1])
        let parameters = Tensor(golden("p0").floats, shape: [count])
        let (moment1, moment2) = (Tensor(shape: [count]), Tensor(shape: [count]))
        guard let p = parameters.floats.baseAddress, let m = moment1.floats.baseAddress,
            let v = moment2.floats.baseAddress
        else { return }
        let betas = golden.config["betas"]?.arrayValue?.compactMap(\.doubleValue) ?? []
        var after: [Float] = []
        for step in 0..<steps {
            let gradient = Array(golden("grads").floats[(step * count)..<((step + 1) * count)])
            let update = AdamWStep(
                number: UInt64(step + 1), learningRate: golden.number("lr"),
                weightDecay: golden.number("weight_decay"), beta1: betas[0], beta2: betas[1],
                epsilon: golden.number("eps"))
            gradient.withUnsafeBufferPointer { gradient in
                guard let gradient = gradient.baseAddress else { return }
                update.apply(to: p, gradient: gradient, moment1: m, moment2: v, count: count)
            }
            after += parameters.floatArray
        }
        let expected = golden("adamw")
        let difference =
            zip(after, expected.doubles).map { abs(Double($0) - $1) }.max() ?? .infinity
        #expect(difference / golden.number("lr") < 0.05)
        #expect(relativeError(after, expected) < 1e-5)
    }

    @Test(arguments: GoldenCase.all("sched_"))
    func schedules(golden: GoldenCase) {
        let (epochs, iterations) = (golden.integer("epochs"), golden.integer("iters_per_epoch"))
        let steps = epochs * iterations
        let mae = LearningRateSchedule(
            shape: .cosineAfterWarmup, peak: golden.number("lr"), minimum: golden.number("min_lr"),
            warmupSteps: golden.integer("warmup_epochs") * iterations, steps: steps)
        let jepa = LearningRateSchedule(
            shape: .cosineFromStart(initial: golden.number("jepa.warmup_lr_init")),
            peak: golden.number("jepa.lr"), minimum: golden.number("jepa.lr_min"),
            warmupSteps: golden.integer("jepa.warmup_epochs") * iterations, steps: steps)
        for (schedule, name) in [(mae, "mae_style64"), (jepa, "jepa_style64")] {
            for (step, expected) in golden(name).doubles.enumerated() {
                #expect(
                    abs(schedule.rate(at: UInt64(step)) - expected) < 1e-12 * schedule.peak + 1e-18)
            }
        }
        let momentum = MomentumSchedule(initial: 0.996, steps: steps)
        for (update, expected) in golden("ema_momentum64").doubles.enumerated() {
            #expect(abs(momentum.momentum(at: UInt64(update)) - expected) < 1e-14)
        }
    }
}
