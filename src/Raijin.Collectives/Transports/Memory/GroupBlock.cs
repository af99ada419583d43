using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Collectives;

/// <summary>How far a member has got, for the others to wait on. A position is (call &lt;&lt; 24) + chunk; it only grows.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
struct MemberProgress
{
    /// <summary>How many calls it has come to.</summary>
    [FieldOffset(0)]
    public long Posted;

    /// <summary>Up to where its data lies in its slots.</summary>
    [FieldOffset(8)]
    public long Filled;

    /// <summary>Up to where it has reduced its share.</summary>
    [FieldOffset(16)]
    public long Reduced;

    /// <summary>Up to where it needs nothing more of the others.</summary>
    [FieldOffset(24)]
    public long Done;
}

/// <summary>How the two ends of a message lane stand. Each end writes a line of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
struct LaneProgress
{
    [FieldOffset(0)]
    public long Posted;

    [FieldOffset(8)]
    public long Filled;

    [FieldOffset(128)]
    public long Done;
}

/// <summary>A call as its caller tells the others of it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
struct Post
{
    /// <summary>Kind, operation, types and peer.</summary>
    public ulong Signature;

    /// <summary>Elements of the whole.</summary>
    public long Count;

    /// <summary>Elements that the caller gives.</summary>
    public long Part;

    /// <summary>Where its input lies, for those that can reach it; -1 when nobody can.</summary>
    public long Code;

    /// <summary>The slot in which its first chunk lies.</summary>
    public int FirstSlot;

    /// <summary>Whether the counts of its parts follow.</summary>
    public int HasParts;
}

/// <summary>A mapping that one member hands to others.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
struct Offer
{
    /// <summary>Which of the group's mappings it is; written last.</summary>
    public long Number;

    public long Bytes;

    public int ProcessId;

    /// <summary>The offering process's descriptor of the file; -1 when the file has a name.</summary>
    public int Descriptor;
}

/// <summary>The sizes of a group's block: how many slots, how large.</summary>
/// <param name="NumSlots">Slots of each member; 0 where every member reaches every other's memory.</param>
/// <param name="SlotBytes">Bytes of each.</param>
/// <param name="MessageSlotBytes">Bytes of each of the two slots from one member to another.</param>
readonly record struct BlockSizes(int NumSlots, int SlotBytes, int MessageSlotBytes);

/// <summary>The memory in which the members of one group meet: an abort cell, and for each member its progress, its last posts, a log, and slots through which data crosses that others can't reach.</summary>
sealed unsafe class GroupBlock
{
    /// <summary>How many calls a member may be ahead of another.</summary>
    public const int Depth = 8;

    /// <summary>How many messages may be under way from one member to another.</summary>
    public const int LaneDepth = 4;

    /// <summary>Slots of a lane.</summary>
    public const int LaneSlots = 2;

    const int HeaderBytes = 4096;
    const int TextOffset = 64;
    const int LongestText = HeaderBytes - TextOffset;

    readonly byte* _start;
    readonly long _offers, _posts, _log, _lanes, _slots, _laneSlots;
    readonly int _postBytes;
    readonly BlockSizes _sizes;

    /// <summary>Lays it over zeroed memory.</summary>
    /// <param name="start">Where it begins, at a page.</param>
    /// <param name="members">The members as ranks of the world.</param>
    /// <param name="rank">Which of them this one is.</param>
    /// <param name="parent">The group this is a part of.</param>
    /// <param name="sizes">The same on all members.</param>
    public GroupBlock(byte* start, int[] members, int rank, GroupBlock? parent, BlockSizes sizes)
    {
        _start = start;
        Members = members;
        Rank = rank;
        Parent = parent;
        Level = parent is null ? 0 : parent.Level + 1;
        _sizes = sizes;
        var n = members.Length;
        _postBytes = PostBytes(n);
        _offers = HeaderBytes + ((long)n * sizeof(MemberProgress));
        _posts = _offers + ((long)n * sizeof(Offer));
        _log = _posts + ((long)n * Depth * _postBytes);
        _lanes = _log + ((long)n * MemberLog.Bytes);
        _slots = Align(_lanes + ((long)n * n * LaneBytes));
        _laneSlots = _slots + ((long)n * sizes.NumSlots * sizes.SlotBytes);
    }

    static int LaneBytes => sizeof(LaneProgress) + (LaneDepth * sizeof(Post));

    /// <summary>The members as ranks of the world.</summary>
    public int[] Members { get; }

    public int Size => Members.Length;

    public int Rank { get; }

    public GroupBlock? Parent { get; }

    /// <summary>0 for the world's, one more for each division.</summary>
    public int Level { get; }

    public BlockSizes Sizes => _sizes;

    /// <summary>Where the memory that the members allocated together begins here, in the order of the allocations; 0 when it is no longer mapped.</summary>
    public List<nint> Allocations { get; } = [];

    /// <summary>How much memory it takes.</summary>
    public static long Bytes(int size, BlockSizes sizes) =>
        Align(HeaderBytes + ((long)size * (sizeof(MemberProgress) + sizeof(Offer) + (Depth * PostBytes(size)) + MemberLog.Bytes)) + ((long)size * size * LaneBytes))
        + ((long)size * sizes.NumSlots * sizes.SlotBytes) + (sizes.NumSlots == 0 ? 0 : (long)size * size * LaneSlots * sizes.MessageSlotBytes);

    /// <summary>How many members have mapped it.</summary>
    public long* Mapped => (long*)_start + 1;

    public MemberProgress* Progress(int member) => (MemberProgress*)(_start + HeaderBytes) + member;

    public Offer* OfferOf(int member) => (Offer*)(_start + _offers) + member;

    public Post* PostOf(int member, long call) => (Post*)(_start + _posts + (((member * Depth) + (call % Depth)) * _postBytes));

    /// <summary>The counts that follow a post.</summary>
    public static long* PartsOf(Post* post) => (long*)(post + 1);

    public MemberLog LogOf(int member) => new(_start + _log + (member * MemberLog.Bytes));

    public byte* Slot(int member, long chunk) => _start + _slots + (((member * _sizes.NumSlots) + (chunk % _sizes.NumSlots)) * _sizes.SlotBytes);

    public LaneProgress* Lane(int from, int to) => (LaneProgress*)(_start + _lanes + (((long)from * Size) + to) * LaneBytes);

    public Post* LanePost(int from, int to, long message) => (Post*)(Lane(from, to) + 1) + (message % LaneDepth);

    public byte* LaneSlot(int from, int to, long chunk) => _start + _laneSlots + ((((((long)from * Size) + to) * LaneSlots) + (chunk % LaneSlots)) * _sizes.MessageSlotBytes);

    /// <summary>0 while all is well; 1 + the rank of the world that gave up; -1 while it says why.</summary>
    public bool IsAborted => Volatile.Read(ref *(int*)_start) > 0;

    /// <summary>Writes who gave up and why. The first one stays.</summary>
    /// <returns>Whether this was the first.</returns>
    public bool TryAbort(int worldRank, string reason)
    {
        if (Interlocked.CompareExchange(ref *(int*)_start, -1, 0) != 0) return false;
        var text = Encoding.UTF8.GetBytes(reason);
        var length = Math.Min(text.Length, LongestText);
        text.AsSpan(0, length).CopyTo(new(_start + TextOffset, length));
        *((int*)_start + 1) = length;
        Interlocked.Exchange(ref *(int*)_start, worldRank + 1);
        return true;
    }

    /// <summary>Why nothing more will come of the calls of this group, or of one it is a part of; null when all is well.</summary>
    public RankFailureException? Failure()
    {
        for (var block = this; block is not null; block = block.Parent)
            if (block.IsAborted) return new RankFailureException(*(int*)block._start - 1, Encoding.UTF8.GetString(block._start + TextOffset, *((int*)block._start + 1)));
        return null;
    }

    /// <summary>Whether this group or one it is a part of was given up.</summary>
    public bool HasFailed()
    {
        for (var block = this; block is not null; block = block.Parent)
            if (block.IsAborted) return true;
        return false;
    }

    static int PostBytes(int size) => (sizeof(Post) + (size * sizeof(long)) + 63) & ~63;

    static long Align(long bytes) => (bytes + 4095) & ~4095;
}
