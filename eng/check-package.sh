#!/usr/bin/env bash
# Uses Raijin as its users do: packs it, builds a program outside the repository that references the package, and runs it in every form of publish.
# Each form must run on a repaired TorchSharp and leave out the libraries nothing loads. Needs no network beyond what a restore needs.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Inside the artifacts folder, so that outputs can be hard links into the package cache; the empty Directory.Build files cut it off from the repository's.
work=$repository/artifacts/check-package
platform=${RAIJIN_PLATFORM:-linux-x64}
version=0.1.0-check.$(date +%s)
cache=${NUGET_PACKAGES:-$HOME/.nuget/packages}
rm -rf "$work"
mkdir -p "$work/user" "$work/packages"
trap 'rm -rf "$work"' EXIT

echo "packing $version"
for project in Raijin.Tensors Raijin.Charts Raijin.Metrics; do
    dotnet pack "$repository/src/$project" -p:LibTorch=none -p:Version="$version" -p:ArtifactsPath="$work/artifacts" -o "$work/feed" -v q -clp:NoSummary
done

cd "$work/user"
echo '<Project />' | tee Directory.Build.props Directory.Build.targets Directory.Packages.props > /dev/null
cat > nuget.config <<XML
<configuration>
  <config><add key="globalPackagesFolder" value="$work/packages" /></config>
  <packageSources><add key="feed" value="$work/feed" /></packageSources>
  <fallbackPackageFolders><add key="cache" value="$cache" /></fallbackPackageFolders>
</configuration>
XML
# Only a package two steps up is referenced: the repair must travel through it.
cat > User.csproj <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <OutputType>Exe</OutputType>
    <ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
    <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Raijin.Metrics" Version="$version" />
    <PackageReference Include="libtorch-cpu-$platform" Version="2.10.0" />
  </ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Raijin.Tensors;
using TorchSharp;

LibTorch.EnsureLoaded();
if (args is ["folder"]) Console.WriteLine(LibTorch.Folder);
else Console.WriteLine($"repaired={RepairState.IsRepaired} sum={(torch.ones(2, 3) * 2.5f).sum().item<float>()} libtorch={LibTorch.LoadedVersion}");
CS

check() { # name, folder of the output, command
    local name=$1 folder=$2 said
    said=$("${@:3}" 2>&1) || { echo "$name: failed: $said"; exit 1; }
    [[ $said == "repaired=True sum=15 libtorch=2.10" ]] || { echo "$name: said: $said"; exit 1; }
    local unwanted
    unwanted=$(find "$folder" \( -name '*torch_python*' -o -name '*jitbackend_test*' -o -name '*torchbind_test*' -o -name '*nnapi_backend*' -o -name '*.dylib' -o -name 'LibTorchSharp.dll' \))
    [[ -z $unwanted ]] || { echo "$name: should not be there: $unwanted"; exit 1; }
    printf '%-28s runs repaired   %s\n' "$name" "$(du -sh --apparent-size "$folder" | cut -f1)"
}

dotnet build -v q -clp:NoSummary -o "$work/build"
check build "$work/build" dotnet "$work/build/User.dll"
dotnet publish -v q -clp:NoSummary -o "$work/portable"
check "publish, portable" "$work/portable" dotnet "$work/portable/User.dll"
dotnet publish -v q -clp:NoSummary -r "$platform" --self-contained false -p:PublishReadyToRun=true -o "$work/r2r"
check "publish, ReadyToRun" "$work/r2r" "$work/r2r/User"
dotnet publish -v q -clp:NoSummary -r "$platform" --self-contained true -p:PublishSingleFile=true -o "$work/single"
check "publish, single file" "$work/single" "$work/single/User"

# Built again with nothing changed: the repair must not run again.
stamp=$(find obj -name repair.stamp -printf '%T@ %p\n' | sort | head -1)
dotnet build -v q -clp:NoSummary -o "$work/build"
[[ $stamp == "$(find obj -name repair.stamp -printf '%T@ %p\n' | sort | head -1)" ]] || { echo "an unchanged build repaired again"; exit 1; }
# A libtorch from elsewhere, with the program's own beside it and without; and what is said when there is none.
elsewhere=$cache/libtorch-cpu-$platform/2.10.0/runtimes/$platform/native
RAIJIN_LIBTORCH=$elsewhere check "RAIJIN_LIBTORCH" "$work/build" dotnet "$work/build/User.dll"
find "$work/portable" -name 'lib*torch_cpu*' -delete
RAIJIN_LIBTORCH=$elsewhere check "RAIJIN_LIBTORCH, no own" "$work/portable" dotnet "$work/portable/User.dll"
[[ $(RAIJIN_LIBTORCH=$elsewhere dotnet "$work/portable/User.dll" folder) == "$elsewhere" ]] || { echo "the folder in use is not the one named"; exit 1; }
refused() { # text expected, command
    local said
    said=$("${@:2}" 2>&1) && { echo "should have been refused: $1"; exit 1; }
    [[ $said == *"$1"* ]] || { echo "expected: $1; said: $said"; exit 1; }
}
refused "the program was built without libtorch" dotnet "$work/portable/User.dll"
refused "there is no such file in the folder that RAIJIN_LIBTORCH names" env RAIJIN_LIBTORCH="$work/user" dotnet "$work/build/User.dll"
refused "Pack with -p:LibTorch=none" dotnet pack "$repository/src/Raijin.Tensors" -p:LibTorch=cpu -p:ArtifactsPath="$work/artifacts" -o "$work/feed" -v q

# Stock TorchSharp: it runs, and says what it is.
dotnet build -v q -clp:NoSummary -p:RaijinRepair=native-only -o "$work/stock"
said=$(dotnet "$work/stock/User.dll" 2>&1)
[[ $said == *"raijin: warning: this process runs TorchSharp as it was published"*"repaired=False sum=15"* ]] || { echo "unrepaired: said: $said"; exit 1; }
echo "package: 4 forms, 2 sources of libtorch, 3 refusals and the start-up check passed"
