import sys
sys.path.insert(0,"/tmp/i5")
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.breakdown.program import Program
from imgaudit.breakdown import functions as F
from imgaudit.breakdown.names import Packages
import struct
f=sys.argv[1]; data=memoryview(open(f,"rb").read()); elf=Elf(data); p=Program(elf); md=p.module_data(Pclntab(elf).extent.start,int(sys.argv[2]))
r=F._Reader(p,md,Packages()); fn=r.read()
view=p.span(md.functab, md.functab+8*md.functions+4,"").cast("I"); offs=view[1::2].tolist()
at=p.offset(md.functab)
for i,(s,o) in enumerate(zip(fn.starts,fn.owners)):
    if o==0:
        rec=struct.unpack_from("<11I",p.data,at+offs[i]); n=r.names[rec[1]:r.names.index(b"\0",rec[1])]
        e=fn.starts[i+1] if i+1<len(fn.starts) else md.maxpc
        print(n.decode()[:90], e-s, hex(rec[8]))
