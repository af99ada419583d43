using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Raijin.Tensors;

// A pickle is a program for a stack machine. This one runs it with nothing to call: names stay names, a "call" of anything that is not in PickleBuilder's short list of constructors of plain data
// becomes a record of what was asked. It does not recurse, so nesting costs no stack; every instruction is counted; nothing is allocated by a number that the file gives before that
// many bytes are known to follow. Protocols 0 to 5, but no extension registry and no out-of-band buffers, which files do not have.

/// <summary>Runs one pickle.</summary>
sealed class PickleReader
{
    const byte HighestProtocol = 5;

    static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    static readonly object Mark = new();

    readonly PickleBytes _bytes;
    readonly string _path;
    readonly PickleLimits _limits;
    readonly PickleBuilder _builder;
    readonly List<object?> _stack = [];
    readonly List<int> _marks = [];
    readonly Dictionary<long, object?> _memo = [];
    long _instruction;

    PickleReader(PickleBytes bytes, string path, PickleLimits limits, Func<object?, object> persistent)
    {
        _bytes = bytes;
        _path = path;
        _limits = limits;
        _builder = new PickleBuilder(limits, persistent, Refuse);
    }

    /// <summary>Runs the pickle at the reader's position, up to its end.</summary>
    /// <param name="bytes">Stands behind the pickle afterwards.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="limits">How much it may ask for.</param>
    /// <param name="persistent">What stands for what the file keeps outside the pickle.</param>
    /// <exception cref="PickleException">It is damaged, or asks for too much.</exception>
    public static object? Read(PickleBytes bytes, string path, PickleLimits limits, Func<object?, object> persistent) => new PickleReader(bytes, path, limits, persistent).Run();

    object? Run()
    {
        var from = _bytes.Position;
        for (var count = 0; ; count++)
        {
            _instruction = _bytes.Position;
            if (count == _limits.MaxInstructions) Refuse($"it has more than {_limits.MaxInstructions} instructions.");
            if (_instruction - from > _limits.MaxBytes) Refuse($"it has more than {_limits.MaxBytes} bytes.");
            var code = _bytes.ReadByte();
            if (code == '.') return Pop();
            Execute(code);
        }
    }

    void Execute(byte code)
    {
        switch (code)
        {
            case 0x80: // PROTO
                if (_bytes.ReadByte() is > HighestProtocol and var version) Refuse($"it is of protocol {version}; known are 0 to {HighestProtocol}.");
                break;
            case 0x95: // FRAME: only a hint of how much to read ahead
                if ((ulong)ReadInt64() is var frame && frame > (ulong)_bytes.Remaining) Refuse($"a frame of {frame} bytes is announced, but {_bytes.Remaining} follow: it is truncated or damaged.");
                break;

            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'I': Push(ParseInt(_bytes.ReadLine(_limits.MaxDigits))); break;
            case (byte)'L': Push(ParseInteger(_bytes.ReadLine(_limits.MaxDigits).TrimEnd('L'))); break;
            case (byte)'J': Push((long)ReadInt32()); break;
            case (byte)'K': Push((long)_bytes.ReadByte()); break;
            case (byte)'M': Push((long)ReadUInt16()); break;
            case 0x8a: Push(ReadInteger(_bytes.ReadByte())); break;
            case 0x8b: Push(ReadInteger(ReadInt32())); break;
            case (byte)'F': Push(ParseDouble(_bytes.ReadLine())); break;
            case (byte)'G': Push(BitConverter.Int64BitsToDouble(BinaryPrimitives.ReverseEndianness(ReadInt64()))); break;

            case (byte)'S': Push(PickleText.Unquote(_bytes.ReadLine(_limits.MaxTextBytes)) ?? RefuseText()); break;
            case (byte)'V': Push(PickleText.Unescape(_bytes.ReadLine(_limits.MaxTextBytes)) ?? RefuseText()); break;
            case (byte)'T': Push(Encoding.Latin1.GetString(ReadBytes(ReadInt32()))); break;
            case (byte)'U': Push(Encoding.Latin1.GetString(ReadBytes(_bytes.ReadByte()))); break;
            case (byte)'X': Push(ReadText(ReadUInt32())); break;
            case 0x8c: Push(ReadText(_bytes.ReadByte())); break;
            case 0x8d: Push(ReadText(ReadInt64())); break;
            case (byte)'B': Push(ReadBytes(ReadUInt32())); break;
            case (byte)'C': Push(ReadBytes(_bytes.ReadByte())); break;
            case 0x8e or 0x96: Push(ReadBytes(ReadInt64())); break; // BINBYTES8, BYTEARRAY8

            case (byte)'(':
                _marks.Add(_stack.Count);
                Push(Mark);
                break;
            case (byte)'0': PopOrMark(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': Push(Peek()); break;

            case (byte)']': Push(new PickleList([])); break;
            case (byte)'l': Push(new PickleList(PopToMark())); break;
            case (byte)'a': Append([Pop()]); break;
            case (byte)'e': Append(PopToMark()); break;
            case (byte)')': Push(new PickleTuple([])); break;
            case (byte)'t': Push(new PickleTuple(PopToMark())); break;
            case 0x85 or 0x86 or 0x87: Push(new PickleTuple(PopMany(code - 0x84))); break;
            case (byte)'}': Push(new PickleDict()); break;
            case (byte)'d':
                var pairs = PopToMark();
                Push(new PickleDict());
                Set(pairs);
                break;
            case (byte)'s': Set(PopMany(2)); break;
            case (byte)'u': Set(PopToMark()); break;
            case 0x8f: Push(new PickleSet([])); break;
            case 0x90:
                var added = PopToMark();
                if (Peek() is PickleSet set) set.Values.AddRange(added);
                else Refuse("it adds to something that is no set.");
                break;
            case 0x91: Push(new PickleSet(PopToMark())); break;

            case (byte)'g': Push(Recall(ParseIndex(_bytes.ReadLine()))); break;
            case (byte)'h': Push(Recall(_bytes.ReadByte())); break;
            case (byte)'j': Push(Recall(ReadUInt32())); break;
            case (byte)'p': Memorize(ParseIndex(_bytes.ReadLine())); break;
            case (byte)'q': Memorize(_bytes.ReadByte()); break;
            case (byte)'r': Memorize(ReadUInt32()); break;
            case 0x94: Memorize(_memo.Count); break;

            case (byte)'c': Push(new PickleGlobal(_bytes.ReadLine(), _bytes.ReadLine())); break;
            case 0x93:
                if (PopMany(2) is not [string module, string name]) Refuse("a name of a module is no text.");
                else Push(new PickleGlobal(module, name));
                break;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                var call = PopMany(2);
                if (call is [PickleGlobal or PickleObject, PickleTuple arguments]) Push(_builder.Make(call[0]!, arguments.Items));
                else Refuse($"it calls {Kind(call[0])} with {Kind(call[1])}; expected are a name and a tuple.");
                break;
            case 0x92: // NEWOBJ_EX
                var made = PopMany(3);
                if (made is [PickleGlobal or PickleObject, PickleTuple positional, PickleDict named]) Push(new PickleObject(made[0]!, positional.Items, named));
                else Refuse($"it makes an object of {Kind(made[0])}, {Kind(made[1])} and {Kind(made[2])}; expected are a name, a tuple and a dictionary.");
                break;
            case (byte)'i':
                var ofClass = new PickleGlobal(_bytes.ReadLine(), _bytes.ReadLine());
                Push(new PickleObject(ofClass, PopToMark()));
                break;
            case (byte)'o':
                var parts = PopToMark();
                if (parts is not [PickleGlobal first, ..]) Refuse("it makes an object of something that is no class.");
                else Push(new PickleObject(first, parts[1..]));
                break;
            case (byte)'b': Build(Pop()); break;
            case (byte)'Q': Push(_builder.Persistent(Pop())); break;

            case (byte)'P': Refuse("it refers to something outside by a text, which no writer of tensors does."); break;
            case 0x82 or 0x83 or 0x84: Refuse("it uses Python's registry of extensions, which is not the file's."); break;
            case 0x97 or 0x98: Refuse("it uses buffers that are not in the file."); break;
            default: Refuse($"the instruction {code:x2} is unknown: it is damaged, or no pickle."); break;
        }
    }

    void Push(object? value) => _stack.Add(value);

    object? Peek()
    {
        if (_stack.Count == 0 || ReferenceEquals(_stack[^1], Mark)) Refuse("it takes more from the stack than is there: it is damaged.");
        return _stack[^1];
    }

    object? Pop()
    {
        var top = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    void PopOrMark()
    {
        if (_stack.Count > 0 && ReferenceEquals(_stack[^1], Mark)) PopToMark();
        else Pop();
    }

    List<object?> PopMany(int count)
    {
        var lowest = _marks.Count == 0 ? 0 : _marks[^1] + 1;
        if (_stack.Count - lowest < count) Refuse("it takes more from the stack than is there: it is damaged.");
        var top = _stack[^count..];
        _stack.RemoveRange(_stack.Count - count, count);
        return top;
    }

    List<object?> PopToMark()
    {
        if (_marks.Count == 0) Refuse("it goes back to a mark that is not there: it is damaged.");
        var mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        var top = _stack[(mark + 1)..];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return top;
    }

    void Append(List<object?> items)
    {
        switch (Peek())
        {
            case PickleList list: list.Values.AddRange(items); break;
            case PickleObject made: (made.Appended ??= []).AddRange(items); break;
            case var other: Refuse($"it appends to {Kind(other)}."); break;
        }
    }

    void Set(List<object?> pairs)
    {
        if (pairs.Count % 2 != 0) Refuse("a key has no value.");
        var target = Peek() switch
        {
            PickleDict dict => dict,
            PickleObject made => made.Entries ??= new PickleDict(),
            _ => null,
        };
        if (target is null) Refuse($"it sets an item of {Kind(Peek())}.");
        for (var i = 0; i < pairs.Count; i += 2) target.Set(pairs[i], pairs[i + 1]);
    }

    void Build(object? state)
    {
        switch (Peek())
        {
            case PickleObject made: made.State = state; break;
            case PickleDict dict: dict.Attributes = state; break;
            case var other: Refuse($"it sets the attributes of {Kind(other)}."); break;
        }
    }

    object? Recall(long index)
    {
        if (!_memo.TryGetValue(index, out var value)) Refuse($"it recalls {index}, which it never kept.");
        return value;
    }

    void Memorize(long index) => _memo[index] = Peek();

    object ParseInt(string digits) => digits switch
    {
        "01" => true,
        "00" => false,
        _ => ParseInteger(digits),
    };

    object ParseInteger(string digits)
    {
        if (!BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) Refuse($"\"{PickleText.Shorten(digits)}\" is no whole number.");
        return Narrow(number);
    }

    double ParseDouble(string text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && !PickleText.TryParseSpecial(text, out number)) Refuse($"\"{PickleText.Shorten(text)}\" is no number.");
        return number;
    }

    long ParseIndex(string digits)
    {
        if (!uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var index)) Refuse($"\"{PickleText.Shorten(digits)}\" is no place of the memo.");
        return index;
    }

    object ReadInteger(long bytes)
    {
        if (bytes < 0 || bytes > _limits.MaxDigits) Refuse($"a number of {bytes} bytes; at most {_limits.MaxDigits} are read.");
        return Narrow(new BigInteger(_bytes.Read(bytes)));
    }

    static object Narrow(BigInteger number)
    {
        if (number >= long.MinValue && number <= long.MaxValue) return (long)number;
        return number;
    }

    byte[] ReadBytes(long count)
    {
        if (count < 0 || count > _limits.MaxTextBytes) Refuse($"a text of {count} bytes; at most {_limits.MaxTextBytes} are read.");
        return _bytes.Read(count);
    }

    string ReadText(long count)
    {
        var bytes = ReadBytes(count);
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return RefuseText();
        }
    }

    ushort ReadUInt16()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        _bytes.ReadExactly(bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    int ReadInt32()
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        _bytes.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    uint ReadUInt32() => (uint)ReadInt32();

    long ReadInt64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        _bytes.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    static string Kind(object? value) => value switch
    {
        null => "None",
        PickleGlobal global => $"the name {PickleText.Shorten(global.ToString())}",
        PickleObject => "an object",
        PickleTensor => "a tensor",
        PickleList => "a list",
        PickleTuple => "a tuple",
        PickleDict => "a dictionary",
        PickleSet => "a set",
        string => "a text",
        byte[] => "bytes",
        PickleStorage => "a storage",
        _ when ReferenceEquals(value, Mark) => "a mark",
        _ => "a number",
    };

    [DoesNotReturn, StackTraceHidden]
    void Refuse(string problem) => PickleException.Throw(_path, problem, _instruction);

    [DoesNotReturn, StackTraceHidden]
    string RefuseText()
    {
        Refuse("a text is not encoded as its instruction says.");
        return null;
    }
}
