using Raijin.Repair;

// Raijin.Repair <TorchSharp.dll of the package> <output folder> full|native-only
// Called by Raijin.Tensors.targets. Errors are printed in the form MSBuild shows as build errors.
if (args is not [var assembly, var output, "full" or "native-only"])
{
    Console.Error.WriteLine("usage: Raijin.Repair <TorchSharp.dll of the package> <output folder> full|native-only");
    return 2;
}

try
{
    Console.WriteLine(RepairedPackage.Write(assembly, output, managed: args[2] == "full"));
    return 0;
}
catch (Exception e) when (e is RepairException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"{assembly} : error RAIJIN001: TorchSharp cannot be repaired: {e.Message}");
    return 1;
}
