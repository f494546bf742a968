using Updraft.Rigs;

var options = new RigOptions(args);
return options.Command switch
{
    "crash" => await new CrashRig(options).RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Updraft.Rigs crash --server-dll FILE --agent-bin FILE [--rounds N] [--seed S]");
    return 64;
}
