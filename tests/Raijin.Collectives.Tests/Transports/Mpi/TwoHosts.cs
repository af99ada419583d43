using System.ComponentModel;
using System.Diagnostics;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Transports.Mpi;

/// <summary>
/// Two hosts on one machine: two network namespaces joined by a pair of virtual interfaces, each with a host name of its own, and an agent that starts programs in the second, where others would use ssh.
/// Gone, with everything in it, when disposed.
/// </summary>
sealed class TwoHosts : IDisposable
{
    const string First = "10.77.0.1";
    const string Second = "10.77.0.2";

    readonly string _id = $"rj{Environment.ProcessId}";
    readonly TemporaryFolder _folder = new();
    readonly List<string> _namespaces = [];

    /// <summary>Makes them; skips the test, with the reason, where that is not permitted.</summary>
    public TwoHosts()
    {
        Add($"{_id}a");
        Add($"{_id}b");
        Ip("link", "add", $"{_id}u", "netns", $"{_id}a", "type", "veth", "peer", "name", $"{_id}v", "netns", $"{_id}b");
        foreach (var (host, link, address) in new[] { ($"{_id}a", $"{_id}u", First), ($"{_id}b", $"{_id}v", Second) })
        {
            Ip("-n", host, "addr", "add", $"{address}/24", "dev", link);
            Ip("-n", host, "link", "set", link, "up");
            Ip("-n", host, "link", "set", "lo", "up");
        }
        // mpirun calls it as it would ssh: with the host, then the command.
        File.WriteAllText(Agent, $"host=$1; shift\nexec ip netns exec {_id}b unshare --uts sh -c \"hostname $host; $*\"\n");
    }

    string Agent => _folder["agent"];

    /// <summary>The command line of two ranks, one on each host.</summary>
    public string[] Command(params string[] scenario) =>
    [
        "ip", "netns", "exec", $"{_id}a", "unshare", "--uts", "sh", "-c", $"hostname {_id}; exec \"$@\"", "sh",
        "mpirun", .. MpiRun.Mpirun(2), "--host", $"{First}:1,{Second}:1", "--mca", "plm_rsh_agent", $"sh {Agent}", "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24",
        MpiRun.Program, .. scenario,
    ];

    public void Dispose()
    {
        // With a namespace go its interfaces, and with one of a pair the other.
        foreach (var name in _namespaces) Ip("netns", "del", name);
        _folder.Dispose();
    }

    void Add(string name)
    {
        var (code, errors) = Run("ip", "netns", "add", name);
        if (code != 0)
        {
            Dispose();
            Assert.Skip($"needs network namespaces: ip netns add: {errors}");
        }
        _namespaces.Add(name);
    }

    static void Ip(params string[] arguments)
    {
        var (code, errors) = Run("ip", arguments);
        Assert.True(code == 0, $"ip {string.Join(' ', arguments)}: {errors}");
    }

    static (int Code, string Errors) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd().Trim();
            process.WaitForExit();
            return (process.ExitCode, errors);
        }
        catch (Win32Exception error)
        {
            return (-1, error.Message);
        }
    }
}
