[assembly: AssemblyFixture(typeof(EndOnSignal))]
[assembly: AssemblyFixture(typeof(ObjectStores))]
