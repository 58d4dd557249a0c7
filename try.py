import sys, time
sys.path.insert(0,"/tmp/i5")
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.breakdown.program import Program
from imgaudit.breakdown.functions import read_functions
from imgaudit.breakdown.names import Packages
import re
for f in sys.argv[1:]:
    data=memoryview(open(f,"rb").read())
    t=time.time()
    elf=Elf(data); p=Program(elf); ext=Pclntab(elf).extent
    m=re.search(rb"go1\.(\d+)", data)
    md=p.module_data(ext.start, None if not m else int(m[1]))
    t1=time.time()
    pk=Packages(); fn=read_functions(p,md,pk)
    t2=time.time()
    top=sorted(fn.code.items(),key=lambda x:-x[1])[:6]
    print(f, "minor",md.minor,"functions",md.functions, "%.2f %.2f s"%(t1-t,t2-t1))
    print("  text",md.text[1]-md.text[0],"code",sum(fn.code.values()),"nopkg",fn.code.get(0), "tables",sum(fn.tables.values()),"of",ext.end-ext.start,"nopkg",fn.tables.get(0),"funcdata",sum(fn.data.values()), "inlined",sum(fn.inlined.values()))
    print("  ",[(pk.names[a],b) for a,b in top])
    from imgaudit.breakdown.types import TypeReader, sums
    t3=time.time()
    tr=TypeReader(p,md,pk); tr.walk(); ty=tr.finish()
    s=sums(ty.pieces)
    print("  types %.2f s"%(time.time()-t3), "area",md.types[1]-md.types[0], "walked",ty.end-md.types[0],"pieces",sum(s.values()),"in area",sum(e-a for a,e,_ in ty.pieces if md.types[0]<=a<ty.end), len(tr.seen),"types", [(pk.names[a],b) for a,b in sorted(s.items(),key=lambda x:-x[1])[:5]])
    from imgaudit.breakdown.references import code_references
    from imgaudit.breakdown import data as D
    from imgaudit.breakdown.types import disjoint
    t4=time.time()
    lo=min(md.types[0], md.noptrdata[0], md.data[0]); hi=max(md.types[1],md.noptrdata[1],md.data[1])
    refs=code_references(p, md.text,(lo,hi),fn.starts,fn.owners)
    t5=time.time()
    tr.add(sorted(refs)); ty=tr.finish()
    print("  refs %.2f s %d targets; types again walked %d pieces %d %.2f"%(t5-t4,len(refs),ty.end-md.types[0],sum(e-a for a,e,_ in ty.pieces), time.time()-t5))
    emb=D.find_embeds(p,[(md.types[0],md.types[1]),(md.types[1],md.types[1]+(1<<22))])
    print("  embeds",[(hex(a),f) for a,f in emb][:4])
