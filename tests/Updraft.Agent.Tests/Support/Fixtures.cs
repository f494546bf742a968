[assembly: AssemblyFixture(typeof(Updraft.Testing.EndOnSignal))]
