// A lander like LunarLander-v3: the same task, observation, actions and shaped reward, with physics of our own (that one runs on Box2D): one rigid
// body of unit mass, two sprung legs with friction, flat ground at height 0. Free flight is integrated exactly (constant acceleration), contact in
// quarter steps. Metres, seconds, radians; the pad is at x = 0; angles grow to the left.

using Raijin;

/// <summary>Set a lander down on its pad: 0 nothing, 1 left engine (turns right), 2 main engine, 3 right engine (turns left). Solved at a mean return of 200.</summary>
/// <remarks>
/// Observed: position, velocity, angle, spin (scaled to about ±1) and whether each leg touches. Reward: growth of −100 (distance + speed + |angle|) + 10 a leg;
/// −0.3 for a step of the main engine, −0.03 of a side engine; +100 at rest on both legs, −100 crashed or flown away. Up to 1,000 steps.
/// </remarks>
sealed class Lander(int count, ulong seed) : VectorEnvironment(count, observationSize: 8, numActions: 4, maxSteps: 1000, seed)
{
    public const double Gravity = 10, StepSeconds = 0.02;
    const double MainThrust = 17, SideThrust = 2.4, SideTorque = 6, Inertia = 0.25;
    const double LegX = 0.7, LegY = -0.9, HullX = 0.57, HullY = 0.33;
    const double Spring = 200, Damping = 12, Grip = 20, Friction = 0.8, HardestTouch = 5;
    const double HalfWidth = 10, HalfHeight = 20.0 / 3, RestSpeed = 0.1;
    const int Substeps = 4, RestSteps = 10;

    readonly Body[] _bodies = new Body[count];

    /// <summary>Where a copy is and how it moves.</summary>
    public struct Body
    {
        public double X, Y, VelocityX, VelocityY, Angle, Spin, Shaping;
        public bool LeftLeg, RightLeg, Broken;
        public int AtRest;
    }

    /// <summary>A copy's state, to read and to set.</summary>
    public ref Body this[int i] => ref _bodies[i];

    protected override void Start(int i, RandomStream random)
    {
        _bodies[i] = new Body { Y = 1.4 * HalfHeight - LegY, VelocityX = 8 * random.NextDouble() - 4, VelocityY = 8 * random.NextDouble() - 4, Spin = random.NextDouble() - 0.5 };
        _bodies[i].Shaping = Shaping(_bodies[i]);
    }

    protected override float Advance(int i, int action, out bool terminated)
    {
        ref var body = ref _bodies[i];
        var main = action == 2 ? MainThrust : 0;
        var side = action == 1 ? 1 : action == 3 ? -1 : 0;
        for (var part = 0; part < Substeps; part++) Move(ref body, main, side, StepSeconds / Substeps);

        var speed = Math.Abs(body.VelocityX) + Math.Abs(body.VelocityY) + Math.Abs(body.Spin);
        body.AtRest = body.LeftLeg && body.RightLeg && speed < RestSpeed ? body.AtRest + 1 : 0;
        var crashed = body.Broken || HullTouches(body) || Math.Abs(body.X) >= HalfWidth;
        terminated = crashed || body.AtRest >= RestSteps;

        var before = body.Shaping;
        body.Shaping = Shaping(body);
        if (terminated) return crashed ? -100 : 100;
        return (float)(body.Shaping - before - (action == 2 ? 0.3 : action == 0 ? 0 : 0.03));
    }

    protected override void Observe(int i, Span<float> observation)
    {
        ref var body = ref _bodies[i];
        observation[0] = (float)(body.X / HalfWidth);
        observation[1] = (float)((body.Y + LegY) / HalfHeight);
        observation[2] = (float)(body.VelocityX * HalfWidth * StepSeconds);
        observation[3] = (float)(body.VelocityY * HalfHeight * StepSeconds);
        observation[4] = (float)body.Angle;
        observation[5] = (float)(20 * body.Spin * StepSeconds);
        observation[6] = body.LeftLeg ? 1 : 0;
        observation[7] = body.RightLeg ? 1 : 0;
    }

    static void Move(ref Body body, double main, int side, double seconds)
    {
        var (sin, cos) = Math.SinCos(body.Angle);
        var (ax, ay) = (-main * sin + side * SideThrust * cos, main * cos + side * SideThrust * sin - Gravity);
        var turn = -side * SideTorque;
        body.LeftLeg = Touch(ref body, -LegX, sin, cos, ref ax, ref ay, ref turn);
        body.RightLeg = Touch(ref body, LegX, sin, cos, ref ax, ref ay, ref turn);

        body.X += seconds * (body.VelocityX + 0.5 * seconds * ax);
        body.Y += seconds * (body.VelocityY + 0.5 * seconds * ay);
        body.Angle += seconds * (body.Spin + 0.5 * seconds * turn);
        body.VelocityX += seconds * ax;
        body.VelocityY += seconds * ay;
        body.Spin += seconds * turn;
    }

    // A foot below the ground is pushed up by a damped spring, and held back along it by friction of at most Friction × that push.
    static bool Touch(ref Body body, double legX, double sin, double cos, ref double ax, ref double ay, ref double turn)
    {
        var (rx, ry) = (legX * cos - LegY * sin, legX * sin + LegY * cos);
        if (body.Y + ry > 0) return false;
        var (vx, vy) = (body.VelocityX - body.Spin * ry, body.VelocityY + body.Spin * rx);
        body.Broken |= vy < -HardestTouch;
        var push = Math.Max(0, -Spring * (body.Y + ry) - Damping * vy);
        var drag = Math.Clamp(-Grip * vx, -Friction * push, Friction * push);
        (ax, ay, turn) = (ax + drag, ay + push, turn + (rx * push - ry * drag) / Inertia);
        return true;
    }

    static bool HullTouches(in Body body)
    {
        var (sin, cos) = Math.SinCos(body.Angle);
        return body.Y <= HullX * Math.Abs(sin) + HullY * Math.Abs(cos);
    }

    static double Shaping(in Body b)
    {
        var distance = Math.Sqrt(Square(b.X / HalfWidth) + Square((b.Y + LegY) / HalfHeight));
        var speed = Math.Sqrt(Square(b.VelocityX * HalfWidth * StepSeconds) + Square(b.VelocityY * HalfHeight * StepSeconds));
        return -100 * (distance + speed + Math.Abs(b.Angle)) + (b.LeftLeg ? 10 : 0) + (b.RightLeg ? 10 : 0);

        static double Square(double value) => value * value;
    }
}
