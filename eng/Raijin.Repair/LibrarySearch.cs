using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Raijin.Repair;

/// <summary>
/// TorchSharp's first type initializer looks for libtorch in the program's folder, and would load that one beside a libtorch already loaded from elsewhere:
/// two in one process, which abort. This gives the search a switch that Raijin.Tensors turns when it has loaded the libraries itself.
/// </summary>
static class LibrarySearch
{
    /// <summary>A static field of the marker type: whether the native libraries are loaded.</summary>
    public const string Switch = "NativeLibrariesLoaded";

    /// <exception cref="RepairException">The search is not where it was.</exception>
    public static void MakeSkippable(ModuleDefinition module, TypeDefinition marker)
    {
        var loaded = new FieldDefinition(Switch, FieldAttributes.Assembly | FieldAttributes.Static, module.TypeSystem.Boolean);
        marker.Fields.Add(loaded);

        var search = module.GetType("TorchSharp.torch")?.Methods.SingleOrDefault(m => m.Name == "LoadNativeBackend");
        if (search is not { IsStatic: true, HasBody: true, Parameters: [{ ParameterType.MetadataType: MetadataType.Boolean }, { ParameterType.IsByReference: true } trace] })
            throw new RepairException($"{module.Name} without torch.LoadNativeBackend(bool, out StringBuilder)", "the method that looks for libtorch",
                RepairException.UnknownPackage);

        // if (NativeLibrariesLoaded) { trace = null; return; }
        var first = search.Body.Instructions[0];
        var il = search.Body.GetILProcessor();
        foreach (var instruction in (Instruction[])[
            il.Create(OpCodes.Ldsfld, loaded), il.Create(OpCodes.Brfalse, first),
            il.Create(OpCodes.Ldarg, trace), il.Create(OpCodes.Ldnull), il.Create(OpCodes.Stind_Ref), il.Create(OpCodes.Ret)])
            il.InsertBefore(first, instruction);
    }
}
