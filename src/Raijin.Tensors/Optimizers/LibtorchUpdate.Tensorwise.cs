using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// Updates that need norms, row and column means or products of the whole tensor. Adafactor's and Muon's matrices are updated here on every device.
sealed partial class LibtorchUpdate
{
    // The Newton-Schulz quintic aX + bX(XᵀX) + cX(XᵀX)²: Jordan's coefficients, steepest at 0.
    const double NewtonSchulzA = 3.4445;
    const double NewtonSchulzB = -4.7750;
    const double NewtonSchulzC = 2.0315;

    static void Update(LayerwiseAlgorithm layerwise, Tensor p, Tensor g, Tensor[] s, in UpdateScalars scalars)
    {
        var (lr, decay, step, _) = scalars;
        switch (layerwise)
        {
            case Lamb lamb:
                s[0].lerp_(g, 1 - lamb.Beta1);
                var corrected = lamb.CorrectedStep(step);
                var direction = s[0].div(1 - Math.Pow(lamb.Beta1, corrected)).div_(Denominator(s[1], g, lamb.Beta2, lamb.Epsilon, corrected));
                if (decay != 0) direction.add_(p, decay);
                p.add_(direction, -lr * Trust(lamb, scalars, p, direction));
                break;
            case Lars lars:
                var rate = lr * Trust(lars, scalars, p, g);
                s[0].mul_(lars.Momentum).add_(g.add(p, decay), rate);
                p.sub_(s[0]);
                break;
            case Adafactor adafactor:
                var update = s.Length == 1 ? Unfactored(adafactor, g, s[0], step) : Factored(adafactor, g, s[0], s[1], step);
                rate = Trust(adafactor, scalars, p, update);
                p.mul_(1 - (lr * decay)).add_(update, -rate);
                break;
            default:
                throw new UnreachableException($"{layerwise.GetType().Name} has no update by libtorch's operators.");
        }
    }

    static double Trust(LayerwiseAlgorithm layerwise, in UpdateScalars scalars, Tensor p, Tensor direction) =>
        layerwise.Trust(scalars, Math.Sqrt(SumOfSquares(p)), Math.Sqrt(SumOfSquares(direction)), p.numel());

    static Tensor Unfactored(Adafactor adafactor, Tensor g, Tensor square, long step)
    {
        square.lerp_(g.square().add_(adafactor.SquareEpsilon), adafactor.SquareWeight(step));
        return g.div(square.sqrt());
    }

    // g/√v̂ with v̂ = row · column / mean(row), the means of squares over the last dim and the one before.
    static Tensor Factored(Adafactor adafactor, Tensor g, Tensor row, Tensor column, long step)
    {
        var squares = g.square().add_(adafactor.SquareEpsilon);
        var weight = adafactor.SquareWeight(step);
        row.lerp_(squares.mean([-1], keepdim: true), weight);
        column.lerp_(squares.mean([-2], keepdim: true), weight);
        return g.mul_(row.div(row.mean([-2], keepdim: true)).rsqrt_()).mul_(column.rsqrt());
    }

    static void Update(Muon muon, Tensor p, Tensor g, Tensor buffer, in UpdateScalars scalars)
    {
        buffer.lerp_(g, 1 - muon.Momentum);
        var direction = muon.Nesterov ? g.lerp_(buffer, muon.Momentum) : buffer.clone();
        var matrix = direction.reshape(direction.shape[0], -1);
        var step = Orthogonalize(matrix, muon.Iterations).mul_(-scalars.LearningRate * muon.Scale(matrix.shape[0], matrix.shape[1]));
        p.mul_(1 - (scalars.LearningRate * scalars.WeightDecay)).add_(step.reshape(p.shape));
    }

    /// <summary>A matrix with the singular vectors of <paramref name="matrix"/> and singular values near 1 (Jordan et al. 2024); [R, C] to [R, C].</summary>
    static Tensor Orthogonalize(Tensor matrix, int iterations)
    {
        var (rows, columns) = (matrix.shape[0], matrix.shape[1]);
        // The Gram matrix is made of the shorter side.
        var x = (rows > columns ? matrix.t() : matrix).div(Math.Sqrt(SumOfSquares(matrix)) + 1e-7);
        for (var i = 0; i < iterations; i++)
        {
            using var scope = NewDisposeScope();
            var gram = x.mm(x.t());
            var polynomial = gram.addmm(gram, gram, beta: (float)NewtonSchulzB, alpha: (float)NewtonSchulzC);
            var next = x.addmm(polynomial, x, beta: (float)NewtonSchulzA, alpha: 1).MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
        }

        return rows > columns ? x.t() : x;
    }

    // In two steps, of rows and of their sums: libtorch divides a sum over everything among its threads, and the order of additions with it.
    static double SumOfSquares(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var dtype = tensor.device_type == TorchSharp.DeviceType.MPS ? ScalarType.Float32 : ScalarType.Float64;
        var squares = tensor.to(dtype).square().flatten();
        const int Row = 4096;
        var whole = squares.shape[0] / Row * Row;
        var sum = whole == 0 ? 0 : squares.narrow(0, 0, whole).view(-1, Row).sum(1).sum().cpu().to(ScalarType.Float64).item<double>();
        return sum + squares.narrow(0, whole, squares.shape[0] - whole).sum().cpu().to(ScalarType.Float64).item<double>();
    }
}
