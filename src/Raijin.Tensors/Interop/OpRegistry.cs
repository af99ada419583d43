using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Tensors;

/// <summary>
/// Reads op signatures out of libtorch's dispatcher, by its exported C++ entry points with hand-made Itanium-ABI objects:
/// <c>Dispatcher::findSchema(OperatorName const&amp;)</c>, then <c>torch::jit::canonicalSchemaString(FunctionSchema const&amp;)</c>.
/// </summary>
static unsafe class OpRegistry
{
    static readonly delegate* unmanaged[Cdecl]<nint> Singleton =
        (delegate* unmanaged[Cdecl]<nint>)NativeExports.OfTorch("_ZN3c1010Dispatcher13realSingletonEv");

    // (result by hidden pointer, this, name): std::optional<OperatorHandle>, 24 bytes, the flag after 16.
    static readonly delegate* unmanaged[Cdecl]<nint*, nint, StdString*, nint*> FindSchema =
        (delegate* unmanaged[Cdecl]<nint*, nint, StdString*, nint*>)NativeExports.OfTorch("_ZN3c1010Dispatcher10findSchemaERKNS_12OperatorNameE");

    static readonly delegate* unmanaged[Cdecl]<StdString*, nint, StdString*> Print =
        (delegate* unmanaged[Cdecl]<StdString*, nint, StdString*>)NativeExports.OfTorch("_ZN5torch3jit21canonicalSchemaStringB5cxx11ERKN3c1014FunctionSchemaE");

    // An OperatorDef begins with its OperatorName, two std::string; the FunctionSchema follows. True of 2.10, so asked of 2.10 only.
    const int SchemaOffset = 64;

    /// <summary>Whether this libtorch shows its registry: the entry points are there and the version is the one whose layout is known.</summary>
    public static bool CanRead { get; } = OperatingSystem.IsLinux() && Singleton != null && FindSchema != null && Print != null && LibTorch.LoadedVersion == LibTorch.BoundVersion;

    /// <summary>The canonical text of an op's signature, or null when there is no such op.</summary>
    public static string? Read(string name, string overload)
    {
        var name8 = Encoding.UTF8.GetBytes(name);
        var overload8 = Encoding.UTF8.GetBytes(overload + '\0');
        fixed (byte* namePointer = name8, overloadPointer = overload8)
        {
            var operatorName = stackalloc StdString[2];
            operatorName[0] = new StdString { Text = namePointer, Length = (nuint)name8.Length };
            operatorName[1] = new StdString { Text = overloadPointer, Length = (nuint)overload8.Length - 1 };
            var handle = stackalloc nint[3];
            FindSchema(handle, Singleton(), operatorName);
            if (*(byte*)(handle + 2) == 0) return null;

            StdString text;
            Print(&text, handle[0] + SchemaOffset);
            var result = Encoding.UTF8.GetString(text.Text, (int)text.Length);
            // Short strings live inside the object; long ones are from operator new, which is malloc.
            if (text.Text != (byte*)&text + 16) NativeMemory.Free(text.Text);
            return result;
        }
    }

    // std::string of libstdc++'s C++11 ABI: text, length, then capacity or up to 15 bytes of text.
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    struct StdString
    {
        public byte* Text;
        public nuint Length;
    }
}
