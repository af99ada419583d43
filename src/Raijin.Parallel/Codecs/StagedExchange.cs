using Raijin.Collectives;

namespace Raijin.Parallel;

/// <summary>An exchange of one or more calls with work of this rank's own between and after them.</summary>
/// <param name="first">The call under way.</param>
/// <param name="between">Each works on what the call before it brought, and begins the next one.</param>
/// <param name="finish">Works on what the last call brought.</param>
/// <param name="release">Gives memory back; called in <see cref="Wait"/>, the same place on all ranks.</param>
sealed class StagedExchange(Work first, IReadOnlyList<Func<Work>> between, Action finish, Action release) : PendingExchange
{
    Work _work = first;
    int _next;
    bool _isFinished;
    bool _isReleased;

    /// <summary>Whether polling begins the later calls too: where each is the only one of its exchange in its group, their order there is that of the exchanges at whatever time they are begun.</summary>
    public bool BeginsWhenPolled { get; init; }

    /// <inheritdoc/>
    public override bool Poll()
    {
        while (!_isFinished && _work.Poll())
        {
            if (_next == between.Count)
            {
                finish();
                _isFinished = true;
            }
            else if (BeginsWhenPolled)
            {
                _work = between[_next++]();
            }
            else
            {
                break;
            }
        }
        return _isFinished;
    }

    /// <inheritdoc/>
    public override void Wait(CancellationToken cancellationToken = default)
    {
        while (!_isFinished)
        {
            _work.Wait(cancellationToken);
            if (_next < between.Count) _work = between[_next++]();
            else Poll();
        }
        if (_isReleased) return;
        _isReleased = true;
        release();
    }
}
