import Kernels
import LinearAlgebra

/// Which times of a record a prediction must not fit.
public enum FutureNegatives {
    /// Every other time of the record, once each.
    case allOthers
    /// Some, perhaps one of them more than once: the closure fills in `count` times for a sample and a start, none of
    /// which is the one that is predicted.
    case drawn(
        count: Int,
        (_ sample: Int, _ start: Int, _ times: Numbers<Int32>) -> Void)
}

/// How terms of a loss become one number.
public enum LossReduction: Sendable {
    /// The mean over samples and times.
    case mean
    /// The sum over times of the mean over samples, as published for ECG-CPC.
    case sum
}

extension Tape {
    /// Contrastive prediction of one time ahead within each record: the prediction made at t for t + horizon against
    /// what came then and at other times.
    ///
    /// All scores of a record come from products of blocks of starts with all times; a time that is drawn n times counts
    /// n times, which is the same loss as if it had been gathered n times.
    /// Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding", 2018.
    ///
    /// - Parameters:
    ///   - predictions: Shape `[channels, samples * time]`.
    ///   - latents: Shape `[channels, samples * time]`.
    ///   - samples: Records.
    ///   - horizon: How many times ahead.
    ///   - scale: What scores are multiplied by.
    ///   - reduction: How terms become the loss.
    ///   - negatives: What predictions must not fit.
    /// - Returns: The loss as a value and a number; the share of predictions that fit better than all negatives.
    public func futureContrast(
        predictions: Value, latents: Value, samples: Int, horizon: Int, scale: Float = 1,
        reduction: LossReduction = .mean, negatives: FutureNegatives
    ) -> (value: Value, loss: Double, accuracy: Double) {
        let time = latents.columns / samples
        precondition(
            predictions.count == latents.count && predictions.rows == latents.rows
                && horizon > 0 && time > horizon, "\(horizon) ahead within \(time) times")
        let starts = time - horizon
        let terms = samples * (reduction == .mean ? starts : 1)
        let wantsGradient = predictions.wantsGradient || latents.wantsGradient
        let (dPredictions, dLatents) = (
            zeros(rows: predictions.rows, columns: predictions.columns),
            zeros(rows: latents.rows, columns: latents.columns)
        )
        let contrast = FutureContrast(
            predictions: predictions, latents: latents, time: time, horizon: horizon,
            scale: scale, factor: scale / Float(terms))
        let (total, found) = arena.rewinding {
            contrast.run(
                samples: samples, negatives: negatives,
                scores: arena.floats(
                    FutureContrast.block * time), weights: arena.floats(time),
                drawn: numbers(negatives.count, of: Int32.self),
                gradients: wantsGradient ? (dPredictions.data, dLatents.data) : nil)
        }
        let loss = total / Double(terms)
        return (
            self.loss(loss, (predictions, dPredictions), (latents, dLatents)), loss,
            Double(found) / Double(samples * starts)
        )
    }
}

extension FutureNegatives {
    fileprivate var count: Int {
        switch self {
        case .allOthers: 0
        case .drawn(let count, _): count
        }
    }
}

private struct FutureContrast {
    /// Starts whose scores are in memory together.
    static let block = 96

    let predictions: Value
    let latents: Value
    let time: Int
    let horizon: Int
    /// Of scores.
    let scale: Float
    /// Of gradients.
    let factor: Float

    func run(
        samples: Int, negatives: FutureNegatives, scores: UnsafeMutablePointer<Float>,
        weights: UnsafeMutablePointer<Float>, drawn: Numbers<Int32>,
        gradients: (predictions: UnsafeMutablePointer<Float>, latents: UnsafeMutablePointer<Float>)?
    ) -> (loss: Double, found: Int) {
        let (channels, columns) = (latents.rows, latents.columns)
        var (total, found) = (0.0, 0)
        for sample in 0..<samples {
            let record = sample * time
            for first in stride(from: 0, to: time - horizon, by: Self.block) {
                let count = min(Self.block, time - horizon - first)
                MatrixProduct.multiply(
                    .init(predictions.data + record + first, stride: columns, .transposed),
                    .init(latents.data + record, stride: columns),
                    m: count, n: time, k: channels, alpha: scale, into: scores)
                for row in 0..<count {
                    let positive = first + row + horizon
                    weigh(
                        negatives, sample: sample, start: first + row, positive: positive,
                        drawn: drawn, into: weights)
                    let term = contrast(
                        scores + row * time, weights: weights, count: time, positive: positive)
                    total += term.loss
                    found += term.isFound ? 1 : 0
                }
                guard let gradients else { continue }
                MatrixProduct.multiply(
                    .init(latents.data + record, stride: columns),
                    .init(scores, stride: time, .transposed),
                    m: channels, n: count, k: time, alpha: factor,
                    into: gradients.predictions + record + first, stride: columns)
                MatrixProduct.multiply(
                    .init(predictions.data + record + first, stride: columns),
                    .init(scores, stride: time),
                    m: channels, n: time, k: count, alpha: factor, beta: 1,
                    into: gradients.latents + record, stride: columns)
            }
        }
        return (total, found)
    }

    private func weigh(
        _ negatives: FutureNegatives, sample: Int, start: Int, positive: Int,
        drawn: Numbers<Int32>, into weights: UnsafeMutablePointer<Float>
    ) {
        switch negatives {
        case .allOthers:
            weights.update(repeating: 1, count: time)
            weights[positive] = 0
        case .drawn(_, let draw):
            weights.update(repeating: 0, count: time)
            draw(sample, start, drawn)
            for drawn in drawn {
                let place = Int(drawn)
                precondition(
                    place >= 0 && place < time && place != positive, "time \(place) is no negative")
                weights[place] += 1
            }
        }
    }
}
