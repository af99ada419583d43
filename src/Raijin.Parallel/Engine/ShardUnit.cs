namespace Raijin.Parallel;

/// <summary>Where a unit's parameters are.</summary>
enum UnitState : byte
{
    /// <summary>Each rank has its shard.</summary>
    Sharded,

    /// <summary>They are on their way.</summary>
    Gathering,

    /// <summary>Every rank has all.</summary>
    Full,
}

/// <summary>
/// The parameters that are gathered together, used by a module, and let go. Who needs them asks for them (<see cref="Need"/>) and says when it is done; they go when the last user is. Any other order is a fault of
/// the engine's and throws.
/// </summary>
/// <param name="context">The engine's.</param>
/// <param name="name">The module's name; empty for what lies outside every unit module.</param>
/// <param name="module">The module whose calls need it; null where it is always there.</param>
/// <param name="buffers">Its parameters.</param>
/// <param name="stored">Where its shards lie, one of each buffer, if on a disk.</param>
sealed class ShardUnit(EngineContext context, string name, UnitModule? module, IReadOnlyList<FlatBuffer> buffers, StoredShards? stored) : IDisposable
{
    readonly List<PendingExchange> _gathers = [];
    StoredShards? _entered;
    int _users;

    /// <summary>The module's name; empty for what lies outside every unit module.</summary>
    public string Name => name;

    /// <summary>The module whose calls need it; null where it is always there.</summary>
    public UnitModule? Module => module;

    public IReadOnlyList<FlatBuffer> Buffers => buffers;

    public IEnumerable<ShardedParameter> Parameters => buffers.SelectMany(b => b.Parameters);

    public UnitState State { get; private set; } = UnitState.Full;

    /// <summary>Lets each rank keep its shard only, once, after the values are there.</summary>
    public void Divide()
    {
        Expect(UnitState.Full);
        stored?.Enter(isRead: false);
        for (var i = 0; i < buffers.Count; i++) buffers[i].Divide(stored, i);
        stored?.Leave(changed: true);
        Hide();
        State = UnitState.Sharded;
    }

    /// <summary>Whether it can be gathered without need: where it lies on a disk there must be memory left for those that are needed.</summary>
    public bool CanPrefetch => stored is null or { HasRoom: true };

    /// <summary>Begins to gather, where that is not under way.</summary>
    public void Prefetch()
    {
        if (State != UnitState.Sharded) return;
        if (NeedsShards) (_entered = stored)?.Enter();
        foreach (var buffer in buffers)
        {
            buffer.Refill();
            // What the node has kept since the last update needs no other.
            var (exchange, slice) = buffer.Secondary is { } near ? (context.SecondaryWeights!, near) : (context.GatheredWeights, buffer.Shard);
            _gathers.Add(exchange.AllGather(slice, buffer.Full));
            context.Post(BufferKind.Parameters, new(exchange.Group, Collectives.CollectiveKind.AllGather, exchange.BytesOf(buffer.Full)));
        }
        State = UnitState.Gathering;
    }

    /// <summary>Gathers, and counts one more user.</summary>
    public void Need(CancellationToken cancellation)
    {
        Prefetch();
        if (State == UnitState.Gathering)
        {
            Await(cancellation);
            foreach (var buffer in buffers) buffer.KeepSecondary();
            foreach (var parameter in Parameters) parameter.Show();
            State = UnitState.Full;
        }
        _users++;
    }

    /// <summary>Counts one user less, and lets go after the last.</summary>
    public void Done()
    {
        Expect(UnitState.Full);
        if (_users == 0) throw new InvalidOperationException($"Unit '{name}' was let go more often than it was asked for.");
        if (--_users == 0) Release();
    }

    /// <summary>Lets go whoever used it: after a pass that was broken off.</summary>
    public void Abandon()
    {
        if (State == UnitState.Gathering) Await(CancellationToken.None);
        if (State == UnitState.Sharded) return;
        _users = 0;
        Release();
    }

    /// <summary>Begins to read what a gather will need, where it lies on a disk.</summary>
    public void ReadAhead()
    {
        if (State == UnitState.Sharded && NeedsShards) stored?.ReadAhead();
    }

    bool NeedsShards => buffers.Any(b => b.Secondary is null);

    void Await(CancellationToken cancellation)
    {
        foreach (var gather in _gathers) gather.Wait(cancellation);
        _gathers.Clear();
        _entered?.Leave();
        _entered = null;
    }

    void Release()
    {
        Hide();
        foreach (var buffer in buffers) buffer.Release();
        State = UnitState.Sharded;
    }

    void Hide()
    {
        foreach (var parameter in Parameters) parameter.Hide();
    }

    void Expect(UnitState state)
    {
        if (State != state) throw new InvalidOperationException($"Unit '{name}' is {State} where it must be {state}.");
    }

    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
        foreach (var buffer in buffers) buffer.Dispose();
    }
}
