import sys, time, resource
sys.path.insert(0,"/tmp/i5")
from imgaudit import binaries
from imgaudit.breakdown import break_down
for f in sys.argv[1:]:
    data=memoryview(open(f,"rb").read())
    facts=binaries.analyse(data)
    t=time.process_time()
    b=break_down(data, facts.go)
    dt=time.process_time()-t
    tot=sum(p.total for p in b.packages)+sum(e.size for e in b.embeds)+sum(r.size for r in b.remainder)+b.unattributed
    debug=sum(r.size for r in b.remainder if r.section.startswith((".debug",".symtab",".strtab",".zdebug",".dynsym",".dynstr")))
    print(f"{f} {dt:.2f}s total {b.total} {'OK' if tot==b.total else 'WRONG'} packages {100*sum(p.total for p in b.packages)/(b.total-debug):.1f}% unattributed {b.unattributed}", {k:sum(getattr(p,k) for p in b.packages) for k in ("code","inlined","pclntab","types","data")}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024,"MB")
    print("   ", [(r.section,r.size) for r in b.remainder if r.size>3000], b.embeds[:3])
    print("   ", [(m.path,m.version,m.total) for m in b.modules[:4]], [(p.name,p.total) for p in b.packages[:5]])
