import Kernels

extension Tape {
    /// State spaces, one a channel, with a skip connection and GELU: `factor * gelu(K * u + D u)`.
    ///
    /// The convolution with the kernel K is computed in chunks of tokens: within a chunk by a triangular matrix of the
    /// kernel's first taps, from chunk to chunk through the system's state. All of a channel is a few small products.
    ///
    /// - Parameters:
    ///   - u: Shape `[channels, samples * time]`.
    ///   - samples: Independent signals, one after another.
    ///   - output: C~ as it is stored, shape `[directions, channels, pairs, 2]`.
    ///   - skip: D, shape `[channels]`.
    ///   - tables: Of the layer.
    ///   - factors: What the results of a sample's channel are multiplied by, shape `[samples, channels]`; ones when
    ///     left out.
    /// - Returns: Shape of `u`.
    func stateSpace(
        _ u: Value, samples: Int, output: Value, skip: Value, tables: StateSpaceTables,
        factors: Value? = nil
    ) -> Value {
        let channels = tables.constants.logSteps.count
        precondition(
            u.rows == channels && u.columns % samples == 0 && skip.count == channels
                && output.count == tables.directions * channels * tables.order,
            "\(u.rows) x \(u.columns) numbers and \(output.count) weights do not fit \(channels) "
                + "channels in \(tables.directions) directions")
        let chunks = (u.columns / samples + tables.chunk - 1) / tables.chunk
        let y = result(rows: u.rows, columns: u.columns)
        let operation = StateSpaceOperation(
            u: u, output: output, skip: skip, factors: factors, y: y, samples: samples,
            chunks: chunks, tables: Unmanaged.passUnretained(tables),
            packed: arena.floats(
                channels * samples * chunks
                    * (tables.chunk + tables.directions * tables.order)),
            derivative: arena.floats(u.count))
        arena.rewinding {
            operation.forward(
                StateSpaceScratch(
                    taking: arena.floats, rows: samples * chunks, chunk: tables.chunk,
                    order: tables.directions * tables.order))
        }
        record(operation)
        return y
    }
}

/// Memory that the passes of one channel after another work in.
private struct StateSpaceScratch {
    /// What chunks add to the states, shape `[rows, order]`.
    let increments: UnsafeMutablePointer<Float>
    /// Results or gradients in chunks, and the states' behind them, shape `[rows, chunk + order]`.
    let chunks: UnsafeMutablePointer<Float>
    /// Taps of a kernel, then the map from a state to a chunk.
    let taps: UnsafeMutablePointer<Float>
    /// The map from a chunk and the states to its results, shape `[chunk + order, chunk]`.
    let map: UnsafeMutablePointer<Float>
    /// The map back.
    let transposed: UnsafeMutablePointer<Float>
    /// The map from gradients of a chunk to those of the states, shape `[chunk, order]`.
    let steps: UnsafeMutablePointer<Float>

    init(
        taking floats: (Int) -> UnsafeMutablePointer<Float>, rows: Int, chunk: Int, order: Int
    ) {
        increments = floats(rows * order)
        chunks = floats(rows * (chunk + order))
        taps = floats((1 + order) * chunk)
        map = floats((chunk + order) * chunk)
        transposed = floats((chunk + order) * chunk)
        steps = floats(chunk * order)
    }

    static func count(rows: Int, chunk: Int, order: Int) -> Int {
        rows * (chunk + 2 * order) + (1 + order) * chunk + 2 * (chunk + order) * chunk + chunk
            * order
    }
}

private struct StateSpaceOperation: Operation {
    let u: Value
    let output: Value
    let skip: Value
    let factors: Value?
    let y: Value
    let samples: Int
    /// Chunks of a sample.
    let chunks: Int
    /// Held by the layer's cache, which keeps all that it made.
    let tables: Unmanaged<StateSpaceTables>
    /// Chunks of the input with the states before (and behind) them, shape
    /// `[channels, samples * chunks, chunk + directions * order]`.
    let packed: UnsafeMutablePointer<Float>
    /// Of the results with respect to the convolution, shape of `u`.
    let derivative: UnsafeMutablePointer<Float>

    private var time: Int { u.columns / samples }
    private var rows: Int { samples * chunks }

    func forward(_ scratch: StateSpaceScratch) {
        tables._withUnsafeGuaranteedRef { tables in
            let (q, n, width) = sizes(tables)
            for channel in 0..<u.rows {
                let x = packed + channel * rows * width
                cutIntoChunks(
                    u.data + channel * u.columns, factors: nil, signals: samples, time: time,
                    chunk: q, into: x, stride: width)
                multiplyRows(
                    x, stride: width, by: tables.transposedIncrements(channel), rows: rows,
                    inner: q, columns: n, into: scratch.increments)
                scan(channel, scratch.increments, tables, isBackward: false, into: x)
                fillMap(channel, tables, scratch)
                multiplyRows(
                    x, stride: width, by: scratch.map, shape: shape(tables), order: q,
                    rows: rows, inner: width, columns: q, into: scratch.chunks)
                activate(channel, scratch.chunks, chunk: q)
            }
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takeGradient(of: y) else { return }
        tables._withUnsafeGuaranteedRef { tables in
            let (q, n, width) = sizes(tables)
            let wantedOutput = tape.addedContribution(to: output)
            let wantedSkip = tape.addedContribution(to: skip)
            let du = tape.addedContribution(to: u)
            let count = StateSpaceScratch.count(rows: rows, chunk: q, order: n) + width * q
            // Pieces of the scratch begin at multiples of 16 numbers.
            let memory = tape.gradientBuffer(count + 7 * 16)
            var end = 0
            func take(_ size: Int) -> UnsafeMutablePointer<Float> {
                defer { end += (size + 15) & ~15 }
                return memory + end
            }
            let scratch = StateSpaceScratch(taking: take, rows: rows, chunk: q, order: n)
            let products = take(width * q)
            let gradients = tape.gradientBuffer(rows * width)
            for channel in 0..<u.rows {
                let x = packed + channel * rows * width
                cutIntoChunks(
                    dy + channel * y.columns, factors: derivative + channel * y.columns,
                    signals: samples, time: time, chunk: q, into: gradients, stride: width)
                if wantedOutput != nil || wantedSkip != nil {
                    multiplyTransposed(
                        x, gradients, stride: width, shape: shape(tables), order: q, rows: rows,
                        inner: width, columns: q, into: products)
                    addWeightGradients(
                        channel, products, tables, scratch, output: wantedOutput, skip: wantedSkip)
                }
                guard let du else { continue }
                fillMap(channel, tables, scratch)
                fillTransposedMap(channel, tables, scratch)
                multiplyRows(
                    gradients, stride: width, by: scratch.steps, rows: rows, inner: q, columns: n,
                    into: scratch.increments)
                scan(channel, scratch.increments, tables, isBackward: true, into: gradients)
                multiplyRows(
                    gradients, stride: width, by: scratch.transposed,
                    shape: tables.directions == 1 ? .lower : .full, order: q, rows: rows,
                    inner: width, columns: q, into: scratch.chunks)
                for sample in 0..<samples {
                    add(
                        scratch.chunks + sample * chunks * q,
                        into: du + channel * u.columns + sample * time, count: time)
                }
            }
            tape.finishUse(of: output)
            tape.finishUse(of: skip)
            tape.release(memory, count: count + 7 * 16)
            tape.release(gradients, count: rows * width)
            tape.release(dy, count: y.count)
        }
    }

    private func sizes(_ tables: StateSpaceTables) -> (chunk: Int, states: Int, width: Int) {
        let states = tables.directions * tables.order
        return (tables.chunk, states, tables.chunk + states)
    }

    /// Where the map from a chunk to its results has numbers.
    private func shape(_ tables: StateSpaceTables) -> SquareShape {
        tables.directions == 1 ? .upper : .full
    }

    /// The states before each chunk (and behind it), behind the chunk's own numbers.
    private func scan(
        _ channel: Int, _ increments: UnsafePointer<Float>, _ tables: StateSpaceTables,
        isBackward: Bool, into target: UnsafeMutablePointer<Float>
    ) {
        let (q, n, width) = sizes(tables)
        for direction in 0..<tables.directions {
            scanChunks(
                increments + direction * tables.order, incrementStride: n,
                transition: tables.transition(channel, isTransposed: isBackward),
                order: tables.order, chunks: chunks, runs: samples,
                isReversed: (direction == 1) != isBackward,
                into: target + q + direction * tables.order, stride: width)
        }
    }

    /// The map from a chunk and its states to its results.
    private func fillMap(
        _ channel: Int, _ tables: StateSpaceTables, _ scratch: StateSpaceScratch
    ) {
        let (q, order) = (tables.chunk, tables.order)
        for direction in 0..<tables.directions {
            let weights = output.data + (direction * u.rows + channel) * order
            let rows = tables.rows(channel, direction: direction)
            scratch.taps.update(repeating: 0, count: tables.rowCount)
            for j in 0..<order {
                addProduct(
                    rows + j * tables.rowCount, weights[j], into: scratch.taps,
                    count: tables.rowCount)
            }
            if direction == 0 {
                scratch.taps[0] += skip.data[channel]
                for j in 0..<q {
                    let row = scratch.map + j * q
                    row.update(repeating: 0, count: j)
                    (row + j).update(from: scratch.taps, count: q - j)
                }
            } else {
                for j in 0..<q {
                    for i in 0..<j { scratch.map[j * q + i] = scratch.taps[j - i - 1] }
                }
            }
            (scratch.map + (q + direction * order) * q).update(
                from: scratch.taps + q, count: order * q)
        }
    }

    private func fillTransposedMap(
        _ channel: Int, _ tables: StateSpaceTables, _ scratch: StateSpaceScratch
    ) {
        let (q, n, _) = sizes(tables)
        for i in 0..<q {
            for j in 0..<q { scratch.transposed[i * q + j] = scratch.map[j * q + i] }
            for j in 0..<n { scratch.steps[i * n + j] = scratch.map[(q + j) * q + i] }
        }
        (scratch.transposed + q * q).update(from: tables.increments(channel), count: n * q)
    }

    private func activate(_ channel: Int, _ sums: UnsafePointer<Float>, chunk: Int) {
        for sample in 0..<samples {
            let place = channel * u.columns + sample * time
            (derivative + place).update(from: sums + sample * chunks * chunk, count: time)
            scaledGELU(
                derivative + place, factor: factors.map { $0.data[sample * u.rows + channel] } ?? 1,
                count: time, into: y.data + place)
        }
    }

    /// Adds a channel's gradients from the products of all chunks and states with the gradients of all results, shape
    /// `[chunk + directions * order, chunk]`.
    private func addWeightGradients(
        _ channel: Int, _ products: UnsafeMutablePointer<Float>, _ tables: StateSpaceTables,
        _ scratch: StateSpaceScratch, output target: UnsafeMutablePointer<Float>?,
        skip: UnsafeMutablePointer<Float>?
    ) {
        let (q, order) = (tables.chunk, tables.order)
        for direction in 0..<tables.directions {
            let taps = scratch.taps
            taps.update(repeating: 0, count: q)
            for j in 0..<q {
                let row = products + j * q
                if direction == 0 {
                    for i in j..<q { taps[i - j] += row[i] }
                } else {
                    for i in 0..<j { taps[j - i - 1] += row[i] }
                }
            }
            (taps + q).update(
                from: products + (q + direction * order) * q, count: order * q)
            if direction == 0, let skip { skip[channel] += taps[0] }
            guard let target else { continue }
            let rows = tables.rows(channel, direction: direction)
            for j in 0..<order {
                target[(direction * u.rows + channel) * order + j] += dot(
                    rows + j * tables.rowCount, taps, count: tables.rowCount)
            }
        }
    }
}
