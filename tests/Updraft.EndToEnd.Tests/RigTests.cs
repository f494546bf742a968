using Updraft.Rigs;

namespace Updraft.EndToEnd.Tests;

/// <summary>Short runs of the rigs; docs/contributing/crash-tests.md has the long ones.</summary>
[Trait("Runs", "ci")] // Kills server and agent in many rounds; each round verifies everything.
[Trait("Database", "own")]
public sealed class RigTests
{
    [Fact] // C1 to C8, C10, C11, C13, G1
    public Task Kills_in_the_midst_of_load_lose_nothing_that_was_acknowledged_and_mount_nothing_half() =>
        PassesAsync((options, output) => new CrashRig(options, output).RunAsync(), "crash", "--rounds", "12", "--seed", "12");

    [Fact] // C1 to C3, C6 to C8, C10, C11, C13, X7
    public Task Kills_of_one_of_two_servers_on_PostgreSQL_lose_nothing_and_do_not_disturb_the_other() =>
        PassesAsync((options, output) => new CrashRig(options, output).RunAsync(), "crash", "--rounds", "5", "--seed", "12", "--database", "postgres", "--replicas", "2");

    [Fact] // C4 to C8
    public Task Whatever_an_answer_acknowledges_was_durable_before_the_answer() =>
        PassesAsync((options, output) => new OrderAudit(options, output).RunAsync(), "order");

    [Fact] // D5, D6, D7
    public Task What_is_spoiled_in_the_store_is_never_mounted() =>
        PassesAsync((options, output) => new DamageRig(options, output).RunAsync(), "damage", "--flips", "1");

    [Fact] // C15, C16
    public Task A_write_that_fails_is_an_error_and_leaves_everything_before_it_as_it_was() =>
        PassesAsync((options, output) => new SyscallRig(options, output).RunAsync(), "syscalls",
            "--calls", "fsync,rename", "--errors", "EIO", "--operations", "upload,finalize", "--most", "4");

    private static async Task PassesAsync(Func<RigOptions, TextWriter, Task<int>> run, string command, params string[] more)
    {
        using var output = new StringWriter();
        var options = new RigOptions([command, "--server-dll", Programs.ServerDll, "--agent-bin", Programs.AgentBinary, .. more]);

        var exitCode = await run(options, output);

        Assert.True(exitCode == 0, output.ToString());
    }
}
