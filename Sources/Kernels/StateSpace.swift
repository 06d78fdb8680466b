/// Runs the state of a linear recurrence from chunk to chunk: the state that a chunk begins with, given what each chunk
/// adds to the next one.
///
/// A run begins with a state of zeros; `next = transition * state + increment`, products added one after another.
///
/// - Parameters:
///   - increments: Shape `[runs * chunks, order]`, rows `incrementStride` numbers apart.
///   - incrementStride: From row to row.
///   - transition: Shape `[order, order]`, column after column.
///   - order: Numbers of a state.
///   - chunks: Chunks of a run.
///   - runs: Independent runs, one after another.
///   - isReversed: Whether the last chunk of a run comes first.
///   - states: Shape of the increments: gets the state before each chunk.
///   - stride: From row to row of the states.
public func scanChunks(
    _ increments: Floats, incrementStride: Int, transition: Floats, order: Int, chunks: Int,
    runs: Int, isReversed: Bool, into states: MutableFloats, stride: Int
) {
    checkCounts(chunks, runs)
    for run in 0..<runs {
        let first = (isReversed ? run &* chunks &+ chunks &- 1 : run &* chunks)
        let step = isReversed ? -1 : 1
        let (target, source) = (states + first &* stride, increments + first &* incrementStride)
        if order == 8 {
            scanEight(
                source, by: step &* incrementStride, transition: transition, chunks: chunks,
                into: target, by: step &* stride)
        } else {
            scan(
                source, by: step &* incrementStride, transition: transition, order: order,
                chunks: chunks, into: target, by: step &* stride)
        }
    }
}

private func scan(
    _ increments: Floats, by incrementStep: Int, transition: Floats, order: Int, chunks: Int,
    into states: MutableFloats, by step: Int
) {
    guard chunks > 0 else { return }
    states.update(repeating: 0, count: order)
    for chunk in 1..<max(chunks, 1) {
        let (state, next) = (states + (chunk &- 1) &* step, states + chunk &* step)
        next.update(from: increments + (chunk &- 1) &* incrementStep, count: order)
        for j in 0..<order {
            addProduct(transition + j * order, state[j], into: next, count: order)
        }
    }
}

/// States of eight numbers stay in a register; two sums at a time, since each step waits for the one before.
private func scanEight(
    _ increments: Floats, by incrementStep: Int, transition: Floats, chunks: Int,
    into states: MutableFloats, by step: Int
) {
    let (t0, t1, t2, t3) = (
        lanes(transition, 0), lanes(transition, 8), lanes(transition, 16), lanes(transition, 24)
    )
    let (t4, t5, t6, t7) = (
        lanes(transition, 32), lanes(transition, 40), lanes(transition, 48), lanes(transition, 56)
    )
    var state = SIMD8<Float>()
    for chunk in 0..<chunks {
        store(state, states, chunk &* step)
        var first = lanes(increments, chunk &* incrementStep)
        var second = t4 * SIMD8(repeating: state[4])
        first.addProduct(t0, SIMD8(repeating: state[0]))
        second.addProduct(t5, SIMD8(repeating: state[5]))
        first.addProduct(t1, SIMD8(repeating: state[1]))
        second.addProduct(t6, SIMD8(repeating: state[6]))
        first.addProduct(t2, SIMD8(repeating: state[2]))
        second.addProduct(t7, SIMD8(repeating: state[7]))
        first.addProduct(t3, SIMD8(repeating: state[3]))
        state = first + second
    }
}

/// GELU in its erf form times a factor, and the derivative of both for the backward pass.
///
/// - Parameters:
///   - x: Numbers, replaced by the derivative.
///   - factor: What results are multiplied by, such as that of a dropout.
///   - count: How many.
///   - y: Gets `factor * gelu(x)`.
public func scaledGELU(_ x: MutableFloats, factor: Float, count: Int, into y: MutableFloats) {
    checkCounts(count)
    checkApart(x, count, y, count)
    for i in 0..<count {
        let value = x[i]
        let (cumulative, density) = normalDistribution(value)
        y[i] = value * cumulative * factor
        x[i] = cumulative.addingProduct(value, density) * factor
    }
}

/// Multiplies numbers one by one; in place where the result is one of both.
public func multiply(_ x: Floats, _ y: Floats, into z: MutableFloats, count: Int) {
    checkCounts(count)
    for i in 0..<count { z[i] = x[i] * y[i] }
}

/// A gated sum with its residual, normalised over channels, for one run of times: `norm(x + factor * a * logistic(g))`.
///
/// Sources: Dauphin et al., "Language modeling with gated convolutional networks", 2017, for the gate; Ba, Kiros and
/// Hinton, "Layer normalization", 2016.
public struct GatedNormalisation {
    private static let block = 64

    /// Rows of numbers.
    public let channels: Int
    /// Numbers from a row to the next, which is also how far the gates lie behind what they gate, in rows.
    public let stride: Int
    /// Added to the variance.
    public let epsilon: Float

    /// A normalisation of rows.
    public init(channels: Int, stride: Int, epsilon: Float) {
        self.channels = channels
        self.stride = stride
        self.epsilon = epsilon
    }

    /// Numbers of the memory that both passes work in.
    public var scratchCount: Int { 2 * Self.block + 16 * channels }

    /// The forward pass over `count` neighbouring times.
    ///
    /// - Parameters:
    ///   - z: Shape `[2 * channels, stride]`: what is gated, then the gates, which are replaced by their logistics.
    ///   - x: The residual, shape `[channels, stride]`.
    ///   - factors: One a channel, of what is gated.
    ///   - gain: One a channel.
    ///   - shift: One a channel.
    ///   - count: How many times.
    ///   - y: The result, shape `[channels, stride]`.
    ///   - normalised: Gets what gain and shift are applied to, of the same shape.
    ///   - inverse: Gets one over the deviation of each time.
    ///   - scratch: `scratchCount` numbers.
    public func forward(
        _ z: MutableFloats, residual x: Floats, factors: Floats, gain: Floats, shift: Floats,
        count: Int, into y: MutableFloats, normalised: MutableFloats, inverse: MutableFloats,
        scratch: MutableFloats
    ) {
        checkCounts(channels, count)
        let (mean, variance) = (scratch, scratch + Self.block)
        let reciprocal = 1 / Float(channels)
        for start in Swift.stride(from: 0, to: count, by: Self.block) {
            let length = min(Self.block, count - start)
            let deviation = inverse + start
            mean.update(repeating: 0, count: length)
            variance.update(repeating: 0, count: length)
            for h in 0..<channels {
                let (a, gate) = (z + h * stride + start, z + (channels + h) * stride + start)
                let (rest, sum) = (x + h * stride + start, normalised + h * stride + start)
                let factor = factors[h]
                for t in 0..<length {
                    let e = exponentialOfNonPositive(gate[t] < 0 ? gate[t] : -gate[t])
                    let open = (gate[t] < 0 ? e : 1) / (1 + e)
                    gate[t] = open
                    let value = rest[t].addingProduct(factor * a[t], open)
                    sum[t] = value
                    mean[t] += value
                }
            }
            for t in 0..<length { mean[t] *= reciprocal }
            for h in 0..<channels {
                let sum = normalised + h * stride + start
                for t in 0..<length {
                    let distance = sum[t] - mean[t]
                    variance[t].addProduct(distance, distance)
                }
            }
            for t in 0..<length {
                deviation[t] = 1 / (variance[t] * reciprocal + epsilon).squareRoot()
            }
            for h in 0..<channels {
                let (sum, result) = (normalised + h * stride + start, y + h * stride + start)
                let (g, s) = (gain[h], shift[h])
                for t in 0..<length {
                    let value = (sum[t] - mean[t]) * deviation[t]
                    sum[t] = value
                    result[t] = s.addingProduct(value, g)
                }
            }
        }
    }

    /// The backward pass over `count` neighbouring times.
    ///
    /// - Parameters:
    ///   - dy: Gradient of the result; replaced by that of the sum before normalisation.
    ///   - z: As the forward pass left it; replaced by its gradient.
    ///   - factors: As in the forward pass.
    ///   - gain: As in the forward pass.
    ///   - normalised: As the forward pass left it.
    ///   - inverse: As the forward pass left it.
    ///   - count: How many times.
    ///   - dGain: One a channel, added to.
    ///   - dShift: One a channel, added to.
    ///   - scratch: `scratchCount` numbers.
    public func backward(
        _ dy: MutableFloats, z: MutableFloats, factors: Floats, gain: Floats, normalised: Floats,
        inverse: Floats, count: Int, dGain: MutableFloats, dShift: MutableFloats,
        scratch: MutableFloats
    ) {
        checkCounts(channels, count)
        let (first, second) = (scratch, scratch + Self.block)
        // Eight lanes of what shifts, then gains, get from all blocks.
        let sums = scratch + 2 * Self.block
        sums.update(repeating: 0, count: 16 * channels)
        let reciprocal = 1 / Float(channels)
        for start in Swift.stride(from: 0, to: count, by: Self.block) {
            let length = min(Self.block, count - start)
            let deviation = inverse + start
            first.update(repeating: 0, count: length)
            second.update(repeating: 0, count: length)
            for h in 0..<channels {
                let place = h * stride + start
                addSums(
                    dy + place, normalised + place, gain: gain[h], count: length,
                    first: first, second: second, channel: sums + 16 * h)
            }
            for t in 0..<length {
                first[t] *= reciprocal
                second[t] *= reciprocal
            }
            for h in 0..<channels {
                let (upstream, value) = (dy + h * stride + start, normalised + h * stride + start)
                let (a, gate) = (z + h * stride + start, z + (channels + h) * stride + start)
                let (g, factor) = (gain[h], factors[h])
                for t in 0..<length {
                    let inner = (upstream[t] * g - first[t]).addingProduct(value[t], -second[t])
                    let gradient = deviation[t] * inner
                    let (open, gated) = (gate[t], a[t])
                    upstream[t] = gradient
                    a[t] = factor * gradient * open
                    gate[t] = factor * gradient * gated * (open * (1 - open))
                }
            }
        }
        for h in 0..<channels {
            dShift[h] += lanes(sums, 16 * h).sum()
            dGain[h] += lanes(sums, 16 * h + 8).sum()
        }
    }

    /// What one channel adds to the sums over channels of each time, and to its own over times.
    @inline(__always)
    private func addSums(
        _ upstream: Floats, _ value: Floats, gain: Float, count: Int, first: MutableFloats,
        second: MutableFloats, channel: MutableFloats
    ) {
        var (shiftSum, gainSum) = (lanes(channel, 0), lanes(channel, 8))
        var t = 0
        while t &+ 8 <= count {
            let (d, v) = (lanes(upstream, t), lanes(value, t))
            shiftSum += d
            gainSum.addProduct(d, v)
            let scaled = d * gain
            store(lanes(first, t) + scaled, first, t)
            store(lanes(second, t).addingProduct(scaled, v), second, t)
            t &+= 8
        }
        while t < count {
            shiftSum[0] += upstream[t]
            gainSum[0].addProduct(upstream[t], value[t])
            let scaled = upstream[t] * gain
            first[t] += scaled
            second[t].addProduct(scaled, value[t])
            t &+= 1
        }
        store(shiftSum, channel, 0)
        store(gainSum, channel, 8)
    }
}
