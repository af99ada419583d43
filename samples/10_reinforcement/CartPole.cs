// A pole on a cart, after A. G. Barto, R. S. Sutton, C. W. Anderson, "Neuronlike adaptive elements that can solve difficult learning control
// problems", IEEE Transactions on Systems, Man, and Cybernetics 13 (1983); without friction, with the constants known as CartPole-v1:
//
//   θ¨ = (g sin θ − cos θ · u) / (l (4/3 − m cos² θ / M)),   x¨ = u − m l θ¨ cos θ / M,   u = (F + m l θ'² sin θ) / M
//
// M is the mass of cart and pole together, m the pole's, l half its length, F = ±10 N. Euler steps of 20 ms, positions before velocities.

using Raijin;

/// <summary>Keep the pole upright by pushing the cart left (0) or right (1): 1 for each step, up to 500. Solved at a mean return of 475.</summary>
/// <remarks>Observed: cart position (m) and velocity, pole angle (rad, 0 upright) and its rate.</remarks>
sealed class CartPole(int count, ulong seed) : VectorEnvironment(count, observationSize: 4, numActions: 2, maxSteps: 500, seed)
{
    const double Gravity = 9.8, PoleMass = 0.1, TotalMass = 1.1, HalfLength = 0.5, Force = 10, StepSeconds = 0.02;
    const double MaxPosition = 2.4, MaxAngle = 12 * Math.PI / 180;

    readonly double[] _x = new double[count], _velocity = new double[count], _angle = new double[count], _rate = new double[count];

    /// <summary>Puts a copy into a state.</summary>
    public void Place(int i, double x, double velocity, double angle, double rate) => (_x[i], _velocity[i], _angle[i], _rate[i]) = (x, velocity, angle, rate);

    /// <summary>The state of a copy, in full precision.</summary>
    public (double X, double Velocity, double Angle, double Rate) State(int i) => (_x[i], _velocity[i], _angle[i], _rate[i]);

    protected override void Start(int i, RandomStream random) => Place(i, Small(random), Small(random), Small(random), Small(random));

    protected override float Advance(int i, int action, out bool terminated)
    {
        var (sin, cos) = Math.SinCos(_angle[i]);
        var push = ((action == 1 ? Force : -Force) + PoleMass * HalfLength * _rate[i] * _rate[i] * sin) / TotalMass;
        var angular = (Gravity * sin - cos * push) / (HalfLength * (4.0 / 3 - PoleMass * cos * cos / TotalMass));
        var linear = push - PoleMass * HalfLength * angular * cos / TotalMass;

        _x[i] += StepSeconds * _velocity[i];
        _velocity[i] += StepSeconds * linear;
        _angle[i] += StepSeconds * _rate[i];
        _rate[i] += StepSeconds * angular;
        terminated = Math.Abs(_x[i]) > MaxPosition || Math.Abs(_angle[i]) > MaxAngle;
        return 1;
    }

    protected override void Observe(int i, Span<float> observation)
    {
        observation[0] = (float)_x[i];
        observation[1] = (float)_velocity[i];
        observation[2] = (float)_angle[i];
        observation[3] = (float)_rate[i];
    }

    static double Small(RandomStream random) => 0.1 * random.NextDouble() - 0.05;
}
