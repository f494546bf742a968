using Updraft.Rigs;

var options = new RigOptions(args);
using var stores = new ObjectStores();
return options.Command switch
{
    "crash" => await new CrashRig(options, Console.Out).RunAsync(),
    "order" => await new OrderAudit(options, Console.Out).RunAsync(),
    "damage" => await new DamageRig(options, Console.Out).RunAsync(),
    "syscalls" => await new SyscallRig(options, Console.Out).RunAsync(),
    "powercut" => await new PowerCutRig(options, Console.Out).RunAsync(),
    "dialects" => await new DialectRig(options, Console.Out).RunAsync(),
    "timing" => await new TimingRig(options, Console.Out).RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Updraft.Rigs crash|order|damage|syscalls|powercut|timing|dialects --server-dll FILE --agent-bin FILE "
        + "[--rounds N] [--seed S] [--archives N] [--jobs J]");
    return 64;
}
